package testenv

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// problems collects what goes wrong on a page without anybody seeing it.
type problems struct {
	mu    sync.Mutex
	found []string
}

// provoked are the answers that a test asks for by doing what is refused.
// Chromium logs each as an error.
var provoked = regexp.MustCompile(`^Failed to load resource: the server responded with a status of (401|403|409|422|429) `)

// favicon is what Chromium asks a site for when a page names no icon.
const favicon = "/favicon.ico"

func (p *problems) listen(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		expected := e.Entry.Source == log.EntrySourceNetwork && (provoked.MatchString(e.Entry.Text) || strings.HasSuffix(e.Entry.URL, favicon))
		if !expected && (e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceViolation) {
			p.add(fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.add("uncaught: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			p.add(fmt.Sprintf("console.%s: %s", e.Type, arguments(e.Args)))
		}
	}
}

func arguments(args []*runtime.RemoteObject) string {
	var text strings.Builder
	for _, arg := range args {
		if arg.Description != "" {
			text.WriteString(arg.Description + " ")
			continue
		}
		text.WriteString(string(arg.Value) + " ")
	}
	return text.String()
}

func (p *problems) add(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = append(p.found, problem)
}

func (p *problems) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.found...)
}

// TakeProblems returns what has gone wrong on the page so far, and forgets it,
// for tests that provoke it.
func (p *Page) TakeProblems() []string {
	p.problems.mu.Lock()
	defer p.problems.mu.Unlock()
	found := p.problems.found
	p.problems.found = nil
	return found
}

// quote returns a text as a literal of JavaScript.
func quote(text string) string {
	literal, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has one
	}
	return string(literal)
}
