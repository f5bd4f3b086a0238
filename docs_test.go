package mfa_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	markdownLink    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	markdownFence   = regexp.MustCompile("(?ms)^```.*?^```")
	markdownHeading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// Every link in the documentation that stays in the repository leads to
// something: to a file, and to a heading in it where it names one.
func TestLinksInDocumentationLeadSomewhere(t *testing.T) {
	links := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		for _, m := range markdownLink.FindAllStringSubmatch(markdown(t, path), -1) {
			target, err := url.Parse(m[1])
			if !assert.NoError(t, err, path) || target.Scheme != "" {
				continue
			}
			links++
			file := path
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(path), filepath.FromSlash(target.Path))
			}
			if _, err := os.Stat(file); !assert.NoError(t, err, "%s links to %s", path, m[1]) {
				continue
			}
			if target.Fragment != "" {
				assert.Contains(t, anchors(markdown(t, file)), target.Fragment, "%s links to %s", path, m[1])
			}
		}
		return nil
	}))
	assert.Positive(t, links)
}

// markdown reads a file without its code blocks.
func markdown(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return markdownFence.ReplaceAllString(string(text), "")
}

// anchors returns what the headings of a page are linked by.
func anchors(text string) []string {
	var found []string
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, m := range markdownHeading.FindAllStringSubmatch(text, -1) {
		found = append(found, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return found
}
