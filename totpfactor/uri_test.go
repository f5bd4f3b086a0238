package totpfactor

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pquerna/otp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

// checkURI parses what k.uri wrote as an authenticator app would.
func checkURI(t *testing.T, k key, issuer, account string) {
	t.Helper()
	s := k.uri(issuer, account)
	require.NotContains(t, s, "+")
	require.Equal(t, 1, strings.Count(s, "secret="), "%s", s)
	u, err := url.Parse(s)
	require.NoError(t, err)
	require.Equal(t, "otpauth", u.Scheme)
	require.Equal(t, "totp", u.Host)
	require.Empty(t, u.Fragment)
	require.Equal(t, "/"+issuer+":"+account, u.Path)
	q, err := url.ParseQuery(u.RawQuery)
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"secret": {k.base32()}, "issuer": {issuer}, "algorithm": {k.algorithm.String()}, "digits": {"6"}, "period": {"30"},
	}, q)
	parsed, err := otp.NewKeyFromURL(s)
	require.NoError(t, err)
	require.Equal(t, k.base32(), parsed.Secret())
	require.Equal(t, issuer, parsed.Issuer())
}

var uriKey = key{params: params{SHA1, 6, 30}, secret: []byte("12345678901234567890")}

func TestD13_URIRoundTrips(t *testing.T) {
	for _, issuer := range []string{"Example", "Big Corp", "Org&secret=AAAA", "a+b", "100%", "50%25", "a/b?c#d", `"<>\^`, "Überfirma", "株式会社", "../..", "=", "🦉"} {
		for _, account := range []string{"alice", "alice@example.com", "a b", "a+tag@example.com", "x&secret=BBBB", "%3A", "?", "/", "ümläut", "a=b"} {
			checkURI(t, uriKey, issuer, account)
		}
	}
	assert.Equal(t,
		"otpauth://totp/Big%20Corp:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Big%20Corp&algorithm=SHA1&digits=6&period=30",
		uriKey.uri("Big Corp", "alice@example.com"))
}

func FuzzURI(f *testing.F) {
	f.Add("Example", "alice@example.com")
	f.Add("Org&secret=X", "a b+c")
	f.Add("100%", "%zz\u202e")
	f.Fuzz(func(t *testing.T, issuer, account string) {
		if issuer == "" || account == "" || !labelable(issuer) || !labelable(account) {
			return
		}
		checkURI(t, uriKey, issuer, account)
	})
}

func TestD13_AccountsThatNoURICarries(t *testing.T) {
	for name, account := range map[string]string{
		"colon": "a:b", "newline": "a\nb", "nul": "a\x00b", "delete": "a\x7f", "C1": "a\u0085b", "not UTF-8": "a\xff", "empty": "", "long": strings.Repeat("a", 256),
	} {
		f := newFactor(t, Config{Account: func(factor.User) string { return account }})
		_, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
		require.ErrorContains(t, err, "Config.Account", name)
		require.NotErrorIs(t, err, factor.ErrRejected)
	}
}

func TestAccountIsNameElseEmail(t *testing.T) {
	f := newFactor(t, Config{Issuer: "App"})
	for want, u := range map[string]factor.User{
		"alice":       {ID: "1", Name: "alice", Email: "a@b.example"},
		"a@b.example": {ID: "1", Email: "a@b.example"},
	} {
		step, err := f.BeginEnroll(ctx, factor.Request{User: u, Now: noon})
		require.NoError(t, err)
		parsed, err := otp.NewKeyFromURL(step.Prompt.(Prompt).URI)
		require.NoError(t, err)
		assert.Equal(t, want, parsed.AccountName())
	}
}
