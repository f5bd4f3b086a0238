package qrcode

// grid is a code before it is masked.
type grid struct {
	Code
	fixed []bool // the module belongs to a function pattern
}

func newGrid(version int) *grid {
	size := 4*version + 17
	g := &grid{Code: Code{Size: size, dark: make([]bool, size*size)}, fixed: make([]bool, size*size)}
	for i := range size {
		g.fix(6, i, i%2 == 0)
		g.fix(i, 6, i%2 == 0)
	}
	for _, at := range [][2]int{{3, 3}, {size - 4, 3}, {3, size - 4}} {
		g.drawRings(at[0], at[1], 4)
	}
	positions := alignment(version, size)
	last := len(positions) - 1
	for i, x := range positions {
		for j, y := range positions {
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue // a finder pattern is there
			}
			g.drawRings(x, y, 2)
		}
	}
	g.drawFormat(0) // keeps its place; each mask writes its own
	if version >= 7 {
		g.drawVersion(version)
	}
	return g
}

func (g *grid) fix(x, y int, dark bool) {
	g.dark[y*g.Size+x], g.fixed[y*g.Size+x] = dark, true
}

// drawRings draws a finder pattern with its separator (reach 4) or an
// alignment pattern (reach 2).
func (g *grid) drawRings(cx, cy, reach int) {
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			x, y := cx+dx, cy+dy
			if x < 0 || y < 0 || x >= g.Size || y >= g.Size {
				continue
			}
			ring := max(dx, -dx, dy, -dy)
			g.fix(x, y, ring != 4 && ring != reach/2)
		}
	}
}

// alignment returns the coordinates of the centres of alignment patterns.
func alignment(version, size int) []int {
	if version == 1 {
		return nil
	}
	n := version/7 + 2
	step := (version*8 + n*3 + 5) / (n*4 - 4) * 2
	positions := make([]int, n)
	positions[0] = 6
	for i, at := n-1, size-7; i > 0; i, at = i-1, at-step {
		positions[i] = at
	}
	return positions
}

// drawFormat draws level M (binary 00) and the mask, twice, with their BCH
// code.
func (g *grid) drawFormat(mask int) {
	rest := mask
	for range 10 {
		rest = rest<<1 ^ rest>>9*0x537
	}
	bits := (mask<<10 | rest) ^ 0x5412
	bit := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		g.fix(8, i, bit(i))
	}
	g.fix(8, 7, bit(6))
	g.fix(8, 8, bit(7))
	g.fix(7, 8, bit(8))
	for i := 9; i < 15; i++ {
		g.fix(14-i, 8, bit(i))
	}
	for i := range 8 {
		g.fix(g.Size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		g.fix(8, g.Size-15+i, bit(i))
	}
	g.fix(8, g.Size-8, true)
}

func (g *grid) drawVersion(version int) {
	rest := version
	for range 12 {
		rest = rest<<1 ^ rest>>11*0x1f25
	}
	bits := version<<12 | rest
	for i := range 18 {
		a, b := g.Size-11+i%3, i/3
		g.fix(a, b, bits>>i&1 == 1)
		g.fix(b, a, bits>>i&1 == 1)
	}
}

// drawData fills the modules that are left, in columns of two from the right,
// upwards and downwards in turn.
func (g *grid) drawData(codewords []byte) {
	i := 0
	for right := g.Size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5 // the timing pattern has this column
		}
		for v := range g.Size {
			y := v
			if (right+1)&2 == 0 {
				y = g.Size - 1 - v
			}
			for _, x := range [2]int{right, right - 1} {
				if !g.fixed[y*g.Size+x] && i < 8*len(codewords) {
					g.dark[y*g.Size+x] = codewords[i/8]>>(7-i%8)&1 == 1
					i++
				}
			}
		}
	}
}

// masks are the conditions under which a module is inverted.
var masks = [8]func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(_, y int) bool { return y%2 == 0 },
	func(x, _ int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

// masked returns the finished code under a mask.
func (g *grid) masked(mask int) *Code {
	c := &grid{Code: Code{Size: g.Size, dark: make([]bool, len(g.dark))}, fixed: g.fixed}
	copy(c.dark, g.dark)
	c.drawFormat(mask)
	inverts := masks[mask]
	for y := range c.Size {
		row := y * c.Size
		for x := range c.Size {
			if !g.fixed[row+x] && inverts(x, y) {
				c.dark[row+x] = !c.dark[row+x]
			}
		}
	}
	return &c.Code
}
