package message

import (
	"regexp"
	"strings"
)

// fallback is the language of whoever has none of those that there are.
const fallback = "en"

// languageTag is as much of BCP 47 as names a folder.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}$`)

// match returns the locale of a set that serves a language best: the tag
// itself, or what is left of it from the right, or English.
func (s *Set) match(tag string) string {
	if languageTag.MatchString(tag) {
		for tag = strings.ToLower(tag); tag != ""; {
			if _, ok := s.texts[tag]; ok {
				return tag
			}
			cut := strings.LastIndexByte(tag, '-')
			tag = tag[:max(0, cut)]
		}
	}
	return fallback
}
