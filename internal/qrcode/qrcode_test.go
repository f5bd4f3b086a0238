package qrcode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAgainstAnotherEncoder compares with an independent encoder, in every
// version. It may prefer another mask; under that mask the codes are equal.
func TestAgainstAnotherEncoder(t *testing.T) {
	for version := 1; version <= maxVersion; version++ {
		text := strings.Repeat("otpauth://totp/Ex:a?secret=", 100)[:dataCodewords(version)-2-(countBits(version)-8)/8-version%2]
		other, err := qr.Encode(text, qr.M, qr.Unicode)
		require.NoError(t, err)
		own, err := Encode(text)
		require.NoError(t, err)
		require.Equal(t, 4*version+17, own.Size, "%d bytes", len(text))
		require.Equal(t, other.Bounds().Dx(), own.Size)

		want := picture(own.Size, func(x, y int) bool {
			r, _, _, _ := other.At(x, y).RGBA()
			return r == 0
		})
		g := newGrid(version)
		g.drawData(interleave(codewords(text, version), version))
		var equal []int
		for mask := range masks {
			if picture(own.Size, g.masked(mask).Dark) == want {
				equal = append(equal, mask)
			}
		}
		assert.Len(t, equal, 1, "version %d, %d bytes", version, len(text))
	}
}

func picture(size int, dark func(x, y int) bool) string {
	var b strings.Builder
	for y := range size {
		for x := range size {
			if dark(x, y) {
				b.WriteByte('#')
			} else {
				b.WriteByte('.')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestLimits(t *testing.T) {
	_, err := Encode("")
	require.NoError(t, err)
	_, err = Encode(strings.Repeat("x", 2331))
	require.NoError(t, err)
	_, err = Encode(strings.Repeat("x", 2332))
	require.Error(t, err)
}

// TestPenalty grades a code that can be graded by hand: all light.
func TestPenalty(t *testing.T) {
	c := &Code{Size: 21, dark: make([]bool, 21*21)}
	lines, squares, balance := 2*21*(3+16), 20*20*3, 100
	assert.Equal(t, lines+squares+balance, c.penalty())
	copy(c.dark, []bool{true, false, true, true, true, false, true})
	assert.Equal(t, 40, c.linePenalty(0, 1)-(3+14-5), "a finder pattern, then 14 light modules")
}

func TestMaskIsTheLeastPenalty(t *testing.T) {
	text := "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	own, err := Encode(text)
	require.NoError(t, err)
	version := (own.Size - 17) / 4
	g := newGrid(version)
	g.drawData(interleave(codewords(text, version), version))
	for mask := range masks {
		assert.LessOrEqual(t, own.penalty(), g.masked(mask).penalty())
	}
}

func ExampleEncode() {
	c, err := Encode("otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	fmt.Println(c.Size, c.Dark(0, 0), err)
	// Output: 37 true <nil>
}

func BenchmarkEncode(b *testing.B) {
	text := "otpauth://totp/An%20Example%20App:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=An%20Example%20App&algorithm=SHA1&digits=6&period=30"
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			if _, err := Encode(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("boombuler", func(b *testing.B) {
		for b.Loop() {
			if _, err := qr.Encode(text, qr.M, qr.Unicode); err != nil {
				b.Fatal(err)
			}
		}
	})
}
