package lookup

import (
	"crypto/rand"
	"fmt"
	"io"

	"github.com/go-mfa/mfa/factor"
)

// Config configures [New]. The zero Config is the recommended one. It applies
// to new sets; those that exist keep theirs.
type Config struct {
	Codes int // codes per set, 4 to 50; default 12
	// Bits is the least number of random bits per code, 80 to 128, rounded
	// up to whole groups of four characters (20 bits). Default 80. NIST SP
	// 800-63B-4, section 3.1.2.2, asks for 112 where the stored digest is not
	// slow to compute.
	Bits int
	// LowWater is how many codes may be left when a use is first noted as
	// being near the end; less than Codes. Default 3.
	LowWater int
}

// Factor is the method "lookup_secret". Make it with [New]. It is safe for
// concurrent use.
type Factor struct {
	codes, groups, lowWater int
	random                  io.Reader
}

var _ factor.Factor = (*Factor)(nil)

// New checks and copies c. Its error is a sentence that says what is wrong
// with c and how to mend it.
func New(c Config) (*Factor, error) {
	if c.Codes == 0 {
		c.Codes = 12
	}
	if c.Bits == 0 {
		c.Bits = 80
	}
	if c.LowWater == 0 {
		c.LowWater = 3
	}
	switch {
	case c.Codes < 4 || c.Codes > maxCodes:
		return nil, fmt.Errorf("lookup: Config.Codes is %d: use 4 to %d", c.Codes, maxCodes)
	case c.Bits < 80 || c.Bits > 128:
		return nil, fmt.Errorf("lookup: Config.Bits is %d: use 80 to 128", c.Bits)
	case c.LowWater < 0 || c.LowWater >= c.Codes:
		return nil, fmt.Errorf("lookup: Config.LowWater is %d: use 1 to %d, less than Config.Codes", c.LowWater, c.Codes-1)
	}
	return &Factor{
		codes:    c.Codes,
		groups:   (c.Bits + bitsPerGroup - 1) / bitsPerGroup,
		lowWater: c.LowWater,
		random:   rand.Reader,
	}, nil
}
