package testenv

import (
	"fmt"
	"os"
)

// Widths are those of a small phone and of a desktop window.
var Widths = []int{360, 1200}

// Show keeps pictures of the page in light and dark, narrow and wide, for
// people to look at, and fails the test if the page has to be scrolled
// sideways in any of them.
func (p *Page) Show(name string) {
	p.t.Helper()
	folder := os.Getenv(ScreenshotsEnv)
	for _, width := range Widths {
		p.Width(width)
		if wide := Eval[int](p, `document.documentElement.scrollWidth`); wide > width {
			p.t.Errorf("%s is %d pixels wide in a window of %d: it has to be scrolled sideways", name, wide, width)
		}
		for _, dark := range []bool{false, true} {
			if folder == "" {
				continue
			}
			p.Dark(dark)
			scheme := map[bool]string{false: "light", true: "dark"}[dark]
			check(p.t, save(folder, fmt.Sprintf("%s-%d-%s", name, width, scheme), p.Screenshot()))
		}
	}
	p.Dark(false)
}
