package message

import (
	"strings"
	"unicode"
)

// maxLine is how many characters a value has at most.
const maxLine = 64

// Line returns a value that somebody chose, such as a display name, as one line
// of visible characters, at most 64: without breaks, controls, and marks that
// turn the text around it.
func Line(s string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, " "))
	line := []rune(strings.Join(strings.Fields(visible), " "))
	if len(line) > maxLine {
		line = append(line[:maxLine-1], '…')
	}
	return string(line)
}
