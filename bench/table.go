package main

import (
	"fmt"
	"io"
	"strings"
)

// table prints Markdown. After an error it prints nothing more.
type table struct {
	out io.Writer
	err error
}

func (t *table) head(cells ...string) {
	t.row(cells...)
	t.say("|" + strings.Repeat("---|", len(cells)))
}

func (t *table) row(cells ...string) { t.say("| " + strings.Join(cells, " | ") + " |") }

func (t *table) say(line string) {
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.out, line)
	}
}
