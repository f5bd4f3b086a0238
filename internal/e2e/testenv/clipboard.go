package testenv

import (
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// AllowClipboard gives the pages of the origin the clipboard, which a person
// would be asked for.
func (p *Page) AllowClipboard() {
	p.t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		p.onBrowser(browser.SetPermission.Method, func() error {
			_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
				Origin: p.origin, BrowserContextID: p.browserContext(),
			})
			return err
		})
	}
}

// Download clicks on what starts a download, waits for its end and returns the
// name of the file and what is in it.
func (p *Page) Download(selector string) (name, content string) {
	p.t.Helper()
	folder := p.t.TempDir()
	p.onBrowser(browser.SetDownloadBehavior.Method, func() error {
		events := true
		_, err := chromedp.CallBrowser(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder, EventsEnabled: &events,
			BrowserContextID: p.browserContext(),
		})
		return err
	})
	begun := chromedp.BrowserEvents(p.ctx, browser.DownloadWillBegin)
	progress := chromedp.BrowserEvents(p.ctx, browser.DownloadProgress)
	p.Click(selector)
	for event, err := range begun {
		check(p.t, err)
		name = event.SuggestedFilename
		break
	}
	for event, err := range progress {
		check(p.t, err)
		if event.State == browser.DownloadProgressStateCompleted {
			break
		}
		if event.State == browser.DownloadProgressStateCanceled {
			p.t.Fatalf("the download of %s was cancelled", name)
		}
	}
	b, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // the folder is the test's
	check(p.t, err)
	return name, string(b)
}

func (p *Page) onBrowser(what string, do func() error) {
	p.t.Helper()
	if err := do(); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

func (p *Page) browserContext() cdp.BrowserContextID {
	return chromedp.FromContext(p.ctx).BrowserContextID
}
