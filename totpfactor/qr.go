package totpfactor

import (
	"fmt"
	"strconv"
	"strings"

	"rsc.io/qr"
)

// quietZone is the light border of ISO/IEC 18004, section 6.3.8, in modules.
const quietZone = 4

// qrSVG returns content as a QR code, in an SVG document that a page with a
// strict Content-Security-Policy can hold: no script, no style, no
// references. It brings its own white ground, so that it can be scanned from a
// dark page.
func qrSVG(content string) (string, error) {
	code, err := qr.Encode(content, qr.M)
	if err != nil {
		return "", fmt.Errorf("totpfactor: QR code: %w", err)
	}
	modules := code.Size
	side := strconv.Itoa(modules + 2*quietZone)
	pixels := strconv.Itoa(5 * (modules + 2*quietZone))
	var b strings.Builder
	b.Grow(modules * modules * 6)
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + side + ` ` + side + `" width="` + pixels + `" height="` + pixels +
		`" role="img" aria-label="QR code for an authenticator app" shape-rendering="crispEdges"><rect width="` + side + `" height="` + side +
		`" fill="#fff"/><path fill="#000" d="`)
	// One rectangle per horizontal run of dark modules.
	for y := range modules {
		for x := 0; x < modules; x++ {
			if !code.Black(x, y) {
				continue
			}
			start := x
			for x < modules && code.Black(x, y) {
				x++
			}
			run := strconv.Itoa(x - start)
			b.WriteString("M" + strconv.Itoa(start+quietZone) + " " + strconv.Itoa(y+quietZone) + "h" + run + "v1h-" + run + "z")
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
