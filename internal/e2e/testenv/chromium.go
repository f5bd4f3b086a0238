package testenv

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromium is the one browser of a test binary. Each page has a browser
// context of its own, so that no test sees another's cookies.
var chromium struct {
	sync.Mutex
	ctx  context.Context
	stop func()
}

// running returns the context of the running browser, which it starts on first
// use.
func running(t testing.TB) context.Context {
	t.Helper()
	path := tool(t, "chromium", "chromium", "google-chrome", "chromium-browser")
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil {
		return chromium.ctx
	}
	profile, err := os.MkdirTemp("", "mfa-e2e-chromium-")
	check(t, err)
	allocator, wait := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		// chromedp's own, and one with which Chromium drops the second request
		// of a double click, as other browsers do not.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,IgnoreDuplicateNavs"),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-GB"),
	)...)
	ctx, cancel := chromedp.NewContext(allocator)
	chromium.stop = func() {
		cancel()
		wait()
		_ = os.RemoveAll(profile) // one of its processes may still hold a file; it is in the temporary folder
	}
	if err := chromedp.Do(ctx); err != nil {
		chromium.stop()
		t.Fatalf("Chromium does not start: %v", err)
	}
	chromium.ctx = ctx
	return ctx
}

// StopChromium ends the browser, if it was started. TestMain calls it after
// the tests.
func StopChromium() {
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil {
		chromium.stop()
		chromium.ctx = nil
	}
}
