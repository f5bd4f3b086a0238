package mfa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/go-mfa/mfa"

// goPackage is what `go list -json` says of a package, as far as it matters
// here.
type goPackage struct {
	ImportPath   string
	Standard     bool
	ForTest      string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// goList lists packages of the root module alone, whatever go.work says.
func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}

func under(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}

// factorPackages judge answers; what is below them may talk to the network.
var factorPackages = []string{module + "/totpfactor", module + "/webauthnfactor", module + "/lookup", module + "/otpdelivery"}

// The layers of the library, as docs/design.md draws them.
func TestDirectionOfImports(t *testing.T) {
	standard := map[string]bool{}
	for _, p := range goList(t, "-deps", "./...") {
		standard[p.ImportPath] = p.Standard
	}
	own := goList(t, "./...")
	require.NotEmpty(t, own)
	for _, p := range own {
		t.Run(strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/"), func(t *testing.T) {
			for _, imported := range p.Imports {
				checkImport(t, p.ImportPath, imported, standard[imported])
			}
			for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
				if strings.Contains(imported, ".") && !under(imported, module) {
					assert.True(t, under(imported, append(thirdParty, thirdPartyInTests...)...), "a test imports %s: that belongs in a nested module", imported)
				}
			}
			if under(p.ImportPath, module+"/storage", module+"/session", module+"/notice", module+"/mfahttp", module+"/mfatest") {
				assert.Contains(t, slices.Concat(p.Imports, p.XTestImports), module, "this layer is built on the root package")
			}
		})
	}
}

var (
	thirdParty = []string{
		"github.com/go-webauthn/webauthn", "github.com/pquerna/otp", "rsc.io/qr", "golang.org/x/crypto",
	}
	thirdPartyInTests = []string{
		"github.com/stretchr/testify", "github.com/descope/virtualwebauthn", "pgregory.net/rapid",
	}
	suites = []string{module + "/storage/storetest", module + "/factor/factortest", module + "/session/sessiontest"}
)

func checkImport(t *testing.T, importer, imported string, standard bool) {
	t.Helper()
	switch {
	case importer == module+"/factor":
		assert.True(t, standard, "factor imports the standard library only, not %s", imported)
	case slices.Contains(factorPackages, importer):
		assert.NotEqual(t, module, imported, "a factor does not know the Manager")
		assert.NotEqual(t, "net/http", imported, "a factor does not know HTTP")
		assert.False(t, under(imported, factorPackages...), "a factor imports another factor: %s", imported)
	case importer == module:
		assert.False(t, under(imported, module) && !under(imported, module+"/factor", module+"/internal"),
			"the root imports %s: it knows contracts, and nothing that fulfils them", imported)
	}
	if standard || under(imported, module) {
		return
	}
	assert.False(t, under(importer, suites...), "a conformance suite imports %s: it needs nothing but testing", imported)
	allowed := slices.Clone(thirdParty)
	if importer == module+"/mfatest" {
		allowed = append(allowed, "github.com/descope/virtualwebauthn")
	}
	assert.True(t, under(imported, allowed...), "%s is imported outside of tests: what needs it belongs in a nested module", imported)
}

// An app links what it uses.
func TestTOTPAloneDoesNotLinkWebAuthn(t *testing.T) {
	for _, p := range goList(t, ".", "./totpfactor", "./lookup", "./mfahttp", "./storage/memory", "./storage/sqlstore", "./session/scssession", "./session/cookiesession") {
		for _, dep := range p.Deps {
			assert.False(t, under(dep, "github.com/go-webauthn"), "%s links %s", p.ImportPath, dep)
			assert.False(t, under(dep, thirdPartyInTests...), "%s links %s", p.ImportPath, dep)
		}
	}
}

func TestNestedModulesAreTheDeclaredOnes(t *testing.T) {
	allowed := []string{
		".", "bench", "examples", "internal/e2e", "otpdelivery/smtpsender",
		"session/gorillasession", "session/jwtsession", "storage/redisstore",
	}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.Name() == "go.mod" {
			assert.Contains(t, allowed, filepath.ToSlash(filepath.Dir(path)), "a module of its own that docs/design.md does not know")
		}
		return nil
	}))
}
