package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README promises a quick start of at most 30 lines, and that it is this
// program.
func TestQuickStartIsShortAndInREADME(t *testing.T) {
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "main.go", source, 0)
	require.NoError(t, err)
	var body string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != "main" {
			continue
		}
		first, last := files.Position(f.Pos()), files.Position(f.End())
		assert.LessOrEqual(t, last.Line-first.Line-1, 30, "lines in main")
		body = string(source[first.Offset:last.Offset])
	}
	require.NotEmpty(t, body, "main.go has no main")

	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	assert.Contains(t, string(readme), "```go\n"+body+"\n```", "README.md shows another main than this one")
	for _, spec := range file.Imports {
		if strings.Contains(spec.Path.Value, "go-mfa") {
			assert.Contains(t, string(readme), spec.Path.Value, "README.md does not show this import")
		}
	}
}
