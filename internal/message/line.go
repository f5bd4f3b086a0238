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

// linked reports whether mail programs make a link of a part of s, or whether it
// looks like an address.
func linked(s string) bool {
	before, dot := false, false // a letter or digit, and then a dot
	for _, r := range s {
		word := unicode.IsLetter(r) || unicode.IsNumber(r)
		if dot && word || strings.ContainsRune(`@/\:`, r) {
			return true
		}
		dot, before = before && r == '.', word
	}
	return false
}

// Name returns what to call somebody: the first of the names that is one, as
// Line has it, or "". One that mail programs would make a link of is none, so
// that nobody has a message lead anywhere by what they call themselves.
func Name(names ...string) string {
	for _, name := range names {
		if line := Line(name); line != "" && !linked(line) {
			return line
		}
	}
	return ""
}
