package qrcode

const maxVersion = 40

// Codewords of error correction per block, and blocks, of level M by version
// (ISO/IEC 18004, table 9).
var (
	correctionPerBlock = [maxVersion + 1]int{
		0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
		26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	}
	blocks = [maxVersion + 1]int{
		0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
		17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
	}
)

// allCodewords returns how many codewords fit the modules that no function
// pattern takes.
func allCodewords(version int) int {
	modules := (16*version+128)*version + 64
	if version >= 2 {
		n := version/7 + 2
		modules -= (25*n-10)*n - 55
	}
	if version >= 7 {
		modules -= 36
	}
	return modules / 8
}

func dataCodewords(version int) int {
	return allCodewords(version) - correctionPerBlock[version]*blocks[version]
}

func countBits(version int) int {
	if version < 10 {
		return 8
	}
	return 16
}

func bitsOf(text string, version int) int { return 4 + countBits(version) + 8*len(text) }

// codewords returns text as data codewords: mode, count, bytes, terminator,
// padding. All of it but the mode is aligned to four bits.
func codewords(text string, version int) []byte {
	out := make([]byte, 0, dataCodewords(version))
	n := len(text)
	carry := byte(0x4) // byte mode
	add := func(b byte) {
		out = append(out, carry<<4|b>>4)
		carry = b & 0xf
	}
	if countBits(version) == 16 {
		add(byte(n >> 8))
	}
	add(byte(n))
	for i := range n {
		add(text[i])
	}
	out = append(out, carry<<4) // and the terminator
	for pad := byte(0xec); len(out) < cap(out); pad ^= 0xec ^ 0x11 {
		out = append(out, pad)
	}
	return out
}

// interleave splits data into blocks, adds the error correction of each, and
// returns the codewords in the order in which they are drawn.
func interleave(data []byte, version int) []byte {
	count, correction, all := blocks[version], correctionPerBlock[version], allCodewords(version)
	long := all % count // so many blocks, the last ones, have one data codeword more
	short := all/count - correction
	divisor := newDivisor(correction)
	parts, sums := make([][]byte, count), make([][]byte, count)
	for i := range parts {
		n := short
		if i >= count-long {
			n++
		}
		parts[i], data = data[:n], data[n:]
		sums[i] = divisor.remainder(parts[i])
	}
	out := make([]byte, 0, all)
	for i := range short + 1 {
		for _, p := range parts {
			if i < len(p) {
				out = append(out, p[i])
			}
		}
	}
	for i := range correction {
		for _, s := range sums {
			out = append(out, s[i])
		}
	}
	return out
}

// polynomial holds the coefficients of a Reed-Solomon divisor from the highest
// power to the lowest, without the leading one.
type polynomial []byte

func newDivisor(degree int) polynomial {
	p := make(polynomial, degree)
	p[degree-1] = 1
	root := byte(1)
	for range degree {
		for j := range p {
			p[j] = multiply(p[j], root)
			if j+1 < degree {
				p[j] ^= p[j+1]
			}
		}
		root = multiply(root, 2)
	}
	return p
}

func (p polynomial) remainder(data []byte) []byte {
	rest := make([]byte, len(p))
	for _, b := range data {
		factor := b ^ rest[0]
		copy(rest, rest[1:])
		rest[len(rest)-1] = 0
		for i, c := range p {
			rest[i] ^= multiply(c, factor)
		}
	}
	return rest
}

// multiply is the product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
func multiply(a, b byte) byte {
	var z byte
	for i := 7; i >= 0; i-- {
		z = z<<1 ^ z>>7*0x1d
		z ^= b >> i & 1 * a
	}
	return z
}
