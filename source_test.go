package mfa_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachSource calls do for every Go file of the repository that is no test.
// Names are slash-separated and relative to the root.
func eachSource(t *testing.T, do func(name string, files *token.FileSet, file *ast.File)) {
	t.Helper()
	n := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		n++
		do(filepath.ToSlash(path), files, file)
		return nil
	}))
	require.Greater(t, n, 30, "the walk found hardly any source")
}

// exceptions are places that break a rule for a reason. One that no longer
// does is to be taken out.
type exceptions struct {
	reasons map[string]string // "file: expression" to why
	used    map[string]bool
}

func (e *exceptions) report(t *testing.T, files *token.FileSet, name string, node ast.Expr, rule string) {
	t.Helper()
	key := name + ": " + types.ExprString(node)
	if e.reasons[key] != "" {
		e.used[key] = true
		return
	}
	t.Errorf("%s: %s: %s", files.Position(node.Pos()), types.ExprString(node), rule)
}

func (e *exceptions) checkUsed(t *testing.T) {
	t.Helper()
	for key := range e.reasons {
		assert.True(t, e.used[key], "this exception is not needed any more: %s", key)
	}
}

// secretName matches names that stand for secrets or for what is compared in
// their stead, word by word: "code", "wantDigest", "h.token".
var secretName = regexp.MustCompile(`(^|[a-z0-9.])((?i:code|digest|mac|hmac|hash|token|secret))($|[A-Z0-9])`)

// N04: secrets are compared in constant time. What is compared with == or
// bytes.Equal under the name of one is listed here with the reason why it may.
func TestN04_SecretsAreComparedInConstantTime(t *testing.T) {
	allowed := &exceptions{used: map[string]bool{}, reasons: map[string]string{}}
	eachSource(t, func(name string, files *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(node ast.Node) bool {
			if e, ok := node.(ast.Expr); ok && comparesSecrets(e) {
				allowed.report(t, files, name, e, "compare with subtle.ConstantTimeCompare or hmac.Equal")
			}
			return true
		})
	})
	allowed.checkUsed(t)
}

func TestComparisonsOfSecretsAreRecognized(t *testing.T) {
	for source, want := range map[string]bool{
		`code == want`: true, `s.digest != sum`: true, `wantCode == got`: true, `string(mac) == string(sum)`: true, `h.Token == r.Token`: true,
		`bytes.Equal(digest, sum)`: true, `slices.Contains(tokens, token)`: true, `hash[0] == sum[0]`: true, `totpSecret != other`: true,
		`code == ""`: false, `secret == nil`: false, `len(code) == n`: false, `encoding == other`: false, `barcodes == n`: false,
		`hmac.Equal(digest, sum)`: false, `len(code) == len(secret)`: false,
	} {
		e, err := parser.ParseExpr(source)
		require.NoError(t, err)
		assert.Equal(t, want, comparesSecrets(e), source)
	}
}

func comparesSecrets(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return (e.Op == token.EQL || e.Op == token.NEQ) && !trivial(e.X) && !trivial(e.Y) && (secret(e.X) || secret(e.Y))
	case *ast.CallExpr:
		switch types.ExprString(e.Fun) {
		case "bytes.Equal", "bytes.Compare", "strings.EqualFold", "strings.Compare", "slices.Equal", "slices.Contains", "reflect.DeepEqual":
			return slices.ContainsFunc(e.Args, secret)
		}
	}
	return false
}

// secret reports whether an operand goes by the name of a secret.
func secret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(e.Name)
	case *ast.SelectorExpr:
		return secretName.MatchString(e.Sel.Name)
	case *ast.IndexExpr:
		return secret(e.X)
	case *ast.SliceExpr:
		return secret(e.X)
	case *ast.ParenExpr:
		return secret(e.X)
	case *ast.CallExpr: // a conversion, such as string(digest)
		return len(e.Args) == 1 && types.ExprString(e.Fun) != "len" && secret(e.Args[0])
	}
	return false
}

// trivial reports whether an operand is a literal, nil, a length or a number:
// comparing with it tells no more than the program's text does.
func trivial(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.UnaryExpr:
		return trivial(e.X)
	case *ast.CallExpr:
		return types.ExprString(e.Fun) == "len"
	}
	return false
}

// C11, C12: what a client can write into Host and X-Forwarded-* decides
// nothing.
func TestC11_C12_ForwardingHeadersAndHostAreNotTrusted(t *testing.T) {
	allowed := &exceptions{used: map[string]bool{}, reasons: map[string]string{
		"internal/returnto/returnto.go: r.Host":              "compared with the Referer's host, both the client's word: it only chooses between coming back to a path of this origin and to none",
		"examples/webapp/app/outbox.go: r.Host":              "another than the app's own is refused, and the connection has to be of this machine all the same",
		`examples/webapp/app/outbox.go: "Forwarded"`:         "its presence is refused",
		`examples/webapp/app/outbox.go: "X-Real-Ip"`:         "its presence is refused",
		"internal/loopback/loopback.go: r.Host":              "decides on the names and the Secure flag of cookies, and only together with the connection's own address being loopback",
		`internal/loopback/loopback.go: "Forwarded"`:         "its presence makes the cookie stricter",
		`internal/loopback/loopback.go: "X-Forwarded-For"`:   "its presence makes the cookie stricter",
		`internal/loopback/loopback.go: "X-Forwarded-Host"`:  "its presence makes the cookie stricter",
		`internal/loopback/loopback.go: "X-Forwarded-Proto"`: "its presence makes the cookie stricter",
	}}
	header := regexp.MustCompile(`(?i)^"(forwarded|x-forwarded-[a-z]+|x-real-ip|true-client-ip|cf-connecting-ip|x-original-[a-z]+)"$`)
	eachSource(t, func(name string, files *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.BasicLit:
				if n.Kind == token.STRING && header.MatchString(n.Value) {
					allowed.report(t, files, name, n, "the client can write this header")
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && n.Sel.Name == "Host" && (x.Name == "r" || x.Name == "req" || x.Name == "request") {
					allowed.report(t, files, name, n, "the client can write the Host header")
				}
			}
			return true
		})
	})
	allowed.checkUsed(t)
}

// D05: pquerna/otp computes codes and judges none: it returns no step, trims
// Unicode white space and accepts an empty secret.
func TestD05_CodesAreNotJudgedByTheLibraryBelow(t *testing.T) {
	allowed := &exceptions{used: map[string]bool{}, reasons: map[string]string{}}
	computes := 0
	eachSource(t, func(name string, files *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(node ast.Node) bool {
			if n, ok := node.(*ast.SelectorExpr); ok {
				switch types.ExprString(n) {
				case "totp.Validate", "totp.ValidateCustom", "hotp.Validate", "hotp.ValidateCustom", "totp.Generate", "otp.NewKeyFromURL":
					allowed.report(t, files, name, n, "compute the code with hotp.GenerateCodeCustom and compare it ourselves")
				case "hotp.GenerateCodeCustom":
					computes++
				}
			}
			return true
		})
	})
	assert.Positive(t, computes)
}

// M03, Q02: whoever decodes has a fuzz target beside it.
func TestM03_Q02_EveryDecoderHasAFuzzTarget(t *testing.T) {
	elsewhere := map[string]string{
		"internal/wire":     "its target is FuzzReader",
		"mfatest":           "reads the prompts of tests",
		"bench":             "reads its own prompts",
		"factor/factortest": "reads what factors return",
	}
	decodes := map[string]string{}
	eachSource(t, func(name string, _ *token.FileSet, file *ast.File) {
		dir := filepath.ToSlash(filepath.Dir(name))
		if elsewhere[dir] != "" || strings.HasPrefix(dir, "examples") || strings.HasPrefix(dir, "internal/e2e") {
			return
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if n, ok := node.(*ast.SelectorExpr); ok {
				switch types.ExprString(n) {
				case "wire.NewReader", "wire.NewTextReader", "json.Unmarshal", "json.NewDecoder", "protocol.ParseCredentialRequestResponseBytes":
					decodes[dir] = name
				}
			}
			return true
		})
	})
	assert.Greater(t, len(decodes), 3)
	for dir, name := range decodes {
		tests, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(tests, func(test string) bool {
			b, err := os.ReadFile(test)
			require.NoError(t, err)
			return strings.Contains(string(b), "\nfunc Fuzz")
		}), "%s decodes, and no test beside it has a fuzz target", name)
	}
}
