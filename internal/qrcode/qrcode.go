// Package qrcode encodes text as a QR code (ISO/IEC 18004), in byte mode and at
// error correction level M: what an otpauth URI needs, in well under a
// millisecond.
package qrcode

import "fmt"

// Code is a square of dark and light modules, without its quiet zone.
type Code struct {
	Size int // modules per side
	dark []bool
}

// Dark reports whether the module in column x and row y is dark.
func (c *Code) Dark(x, y int) bool { return c.dark[y*c.Size+x] }

// Encode returns text in the smallest code that holds it, under the mask with
// the lowest penalty. The most that a code holds is 2331 bytes.
func Encode(text string) (*Code, error) {
	version := 1
	for ; version <= maxVersion && bitsOf(text, version) > 8*dataCodewords(version); version++ {
	}
	if version > maxVersion {
		return nil, fmt.Errorf("qrcode: %d bytes do not fit a QR code", len(text))
	}
	g := newGrid(version)
	g.drawData(interleave(codewords(text, version), version))
	var best *Code
	lowest := 0
	for mask := range masks {
		c := g.masked(mask)
		if p := c.penalty(); best == nil || p < lowest {
			best, lowest = c, p
		}
	}
	return best, nil
}
