package testenv

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long anything may take on a machine that is busy with other
// tests.
const patience = time.Minute

// Page is a tab of Chromium with cookies of its own. What its methods act on
// is named by CSS selectors and waited for. Script errors and violations of
// the content security policy fail the test when it ends.
type Page struct {
	t        testing.TB
	ctx      context.Context //nolint:containedctx // chromedp's handle of the tab is a context
	origin   string
	problems problems
}

// NewPage opens a tab for the pages of an origin.
func NewPage(t testing.TB, origin string) *Page {
	t.Helper()
	p := &Page{t: t, origin: origin}
	ctx, cancel := chromedp.NewContext(running(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(p.problems.listen))
	p.ctx = ctx
	t.Cleanup(func() {
		for _, problem := range p.problems.all() {
			t.Errorf("in the browser: %s", problem)
		}
		if t.Failed() {
			p.saveFailure()
		}
		cancel()
	})
	// The tab lives as long as the context of its first action, so that one
	// has no timeout.
	check(t, chromedp.Do(ctx))
	p.Width(1200)
	return p
}

func (p *Page) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s on %s: %v", what, p.where(), err)
	}
}

func run[T any](p *Page, what string, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		p.t.Fatalf("%s on %s: %v", what, p.where(), err)
	}
	return v
}

// where says what the page shows, for failures.
func (p *Page) where() string {
	ctx, cancel := context.WithTimeout(p.ctx, 3*time.Second) // it may be what does not answer
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + "\n" + (document.body ? document.body.innerText : "")`))
	if err != nil {
		return "a page that does not answer (" + err.Error() + ")"
	}
	return text
}

func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// Open goes to a path of the origin and returns the status of the page that
// was reached in the end.
func (p *Page) Open(path string) int {
	p.t.Helper()
	return p.load("opening "+path, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.Navigate, page.NavigateParams{URL: p.origin + path})
		return err
	}))
}

// load runs what leads to another page, waits for it and returns its status.
func (p *Page) load(what string, actions ...chromedp.Action[chromedp.Void]) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, actions...)
	if err != nil {
		p.t.Fatalf("%s on %s: %v", what, p.where(), err)
	}
	if response == nil {
		p.t.Fatalf("%s on %s: no page was loaded", what, p.where())
	}
	return int(response.Status)
}

// Follow clicks on what leads to another page, and returns that page's status.
func (p *Page) Follow(selector string) int {
	p.t.Helper()
	return p.load("following "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeEnabled))
}

// Reload loads the page again and returns its status.
func (p *Page) Reload() int {
	p.t.Helper()
	return p.load("reload", chromedp.Reload())
}

// FollowTwice double-clicks on what leads to another page, and returns the
// status of the page that the first click leads to.
func (p *Page) FollowTwice(selector string) int {
	p.t.Helper()
	at := Eval[struct{ X, Y float64 }](p, `(() => {
		const e = document.querySelector(`+quote(selector)+`);
		e.scrollIntoView({ block: "center", behavior: "instant" });
		const box = e.getBoundingClientRect();
		return { X: box.x + box.width / 2, Y: box.y + box.height / 2 };
	})()`)
	return p.load("double-clicking "+selector, chromedp.MouseClickXY(at.X, at.Y), chromedp.MouseClickXY(at.X, at.Y, chromedp.ClickCount(2)))
}

// Latency delays the answers to the page's requests.
func (p *Page) Latency(by time.Duration) {
	p.t.Helper()
	all := &network.Conditions{Latency: float64(by.Milliseconds()), DownloadThroughput: -1, UploadThroughput: -1}
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{all}})
}

// Click clicks on what leads to no other page.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("clicking "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeEnabled))
}

// Fill types a text into a field in place of what is in it.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	sel := chromedp.CSS(selector)
	p.do("typing into "+selector, chromedp.Clear(sel, chromedp.NodeVisible), chromedp.SendKeys(sel, text, chromedp.NodeVisible))
}

// Type types keys where the focus is.
func (p *Page) Type(keys string) {
	p.t.Helper()
	p.do("typing", chromedp.KeyEvent(keys))
}

// Tab presses the Tab key until the focus is on the selected element, at most
// n times.
func (p *Page) Tab(selector string, n int) {
	p.t.Helper()
	for range n {
		p.Type(kb.Tab)
		if Eval[bool](p, `document.activeElement.matches(`+quote(selector)+`)`) {
			return
		}
	}
	p.t.Fatalf("%d times Tab do not reach %s on %s", n, selector, p.where())
}

// Enter presses the Enter key, which is to lead to another page, and returns
// that page's status.
func (p *Page) Enter() int {
	p.t.Helper()
	return p.load("pressing Enter", chromedp.KeyEvent(kb.Enter))
}

// See waits until an element is visible.
func (p *Page) See(selector string) {
	p.t.Helper()
	p.do("looking for "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Has reports whether the page has such an element now.
func (p *Page) Has(selector string) bool {
	p.t.Helper()
	return Eval[bool](p, `document.querySelector(`+quote(selector)+`) !== null`)
}

// Text returns the text of an element, as it is shown.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return run(p, "reading "+selector, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Texts returns the texts of all such elements, shown or not.
func (p *Page) Texts(selector string) []string {
	p.t.Helper()
	return Eval[[]string](p, `Array.from(document.querySelectorAll(`+quote(selector)+`), (e) => e.textContent.trim())`)
}

// Attribute returns an attribute of an element, and "" if it has none.
func (p *Page) Attribute(selector, name string) string {
	p.t.Helper()
	p.do("looking for "+selector, chromedp.WaitReady(chromedp.CSS(selector)))
	return Eval[string](p, `document.querySelector(`+quote(selector)+`).getAttribute(`+quote(name)+`) ?? ""`)
}

// Path returns the path and query of the page that is shown.
func (p *Page) Path() string {
	p.t.Helper()
	u, err := url.Parse(Eval[string](p, `location.href`))
	check(p.t, err)
	return u.RequestURI()
}

// Eval returns the value of a JavaScript expression, which may be a promise.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	return run(p, "evaluating", chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Scripts switches the scripts of pages off and on, from the next page on.
func (p *Page) Scripts(on bool) {
	p.t.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Dark switches between the dark and the light colour scheme.
func (p *Page) Dark(on bool) {
	p.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// Width sets the width of the window in pixels of CSS.
func (p *Page) Width(width int) {
	p.t.Helper()
	p.do("resizing", chromedp.EmulateViewport(int64(width), 900))
}

// Screenshot returns a picture of the whole page.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	return run(p, "taking a picture", chromedp.FullScreenshot(100))
}

// saveFailure keeps a picture of the page for whoever looks into a failed
// test, if they have said where.
func (p *Page) saveFailure() {
	folder := os.Getenv(ScreenshotsEnv)
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = save(folder, "failed-"+p.t.Name(), picture)
	}
	if err != nil {
		p.t.Logf("no picture of the failure: %v", err)
	}
}

// ScreenshotsEnv is the environment variable that names the folder for
// pictures that people look at. If it is unset, none are kept.
const ScreenshotsEnv = "MFA_SCREENSHOTS"

func save(folder, name string, picture []byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // pictures of test accounts
		return err
	}
	return os.WriteFile(filepath.Join(folder, url.PathEscape(name)+".png"), picture, 0o644) //nolint:gosec // likewise
}
