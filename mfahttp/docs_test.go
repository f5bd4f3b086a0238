package mfahttp_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/http-api.md names every endpoint and no other.
func TestDocs_Endpoints(t *testing.T) {
	page, err := os.ReadFile("../docs/http-api.md")
	require.NoError(t, err)
	var documented []string
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "### ") {
			continue
		}
		for _, m := range regexp.MustCompile("`([A-Z]+ /mfa/api[^`]*)`").FindAllStringSubmatch(line, -1) {
			documented = append(documented, m[1])
		}
	}
	var served []string
	for _, r := range routes("{id}", "{id}") {
		endpoint, _, _ := strings.Cut(r.String(), "?")
		served = append(served, endpoint)
	}
	slices.Sort(served)
	assert.ElementsMatch(t, slices.Compact(served), documented)
}
