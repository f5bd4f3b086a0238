package qrcode

// penalty grades how much a code looks like something else (ISO/IEC 18004,
// section 7.8.3): long runs, blocks, finder patterns, too dark or too light.
func (c *Code) penalty() int {
	sum, dark := 0, 0
	for i := range c.Size {
		sum += c.linePenalty(i*c.Size, 1) + c.linePenalty(i, c.Size)
	}
	for _, d := range c.dark {
		if d {
			dark++
		}
	}
	for y := 1; y < c.Size; y++ {
		above, row := c.dark[(y-1)*c.Size:y*c.Size], c.dark[y*c.Size:(y+1)*c.Size]
		for x := 1; x < len(row); x++ {
			if row[x] == row[x-1] && row[x] == above[x] && row[x] == above[x-1] {
				sum += 3
			}
		}
	}
	total := len(c.dark)
	off := max(20*dark-10*total, 10*total-20*dark) // in units of 5 % of total
	return sum + off/total*10
}

// runPenalty grades the last six modules of a line: a run is worth 3 at its
// fifth module and 1 at each one after it.
var runPenalty = func() (table [1 << 6]int) {
	table[0b100000], table[0b011111] = 3, 3
	table[0b000000], table[0b111111] = 1, 1
	return table
}()

// linePenalty grades a row or a column.
func (c *Code) linePenalty(start, step int) int {
	const (
		finderThenLight = 0b10111010000
		lightThenFinder = 0b00001011101
		width           = 1<<11 - 1
	)
	window := 0 // the last modules, as if the opposite of the first came before
	if !c.dark[start] {
		window = width
	}
	sum := 0
	for i, at := 0, start; i < c.Size; i, at = i+1, at+step {
		bit := 0
		if c.dark[at] {
			bit = 1
		}
		window = window<<1&width | bit
		sum += runPenalty[window&(1<<6-1)]
		if (window == finderThenLight || window == lightThenFinder) && i >= 10 {
			sum += 40
		}
	}
	return sum
}
