package smtpsender_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

// A client and a server in Go may have misunderstood SMTP alike. This server is
// in Python, by others.
func TestSend_ToAiosmtpd(t *testing.T) {
	cfg, taken := startAiosmtpd(t)
	cfg.From = "株式会社例 <login@example.com>"
	s := newSender(t, cfg)
	m := message()
	m.Subject = "【例示サービス】ログイン用の確認コードをお送りします"
	m.Text = "確認コード：492817\n.\n..\n"
	require.NoError(t, s.Send(t.Context(), m))

	var mail struct {
		From      string
		To        []string
		Letter    string
		Encrypted bool
	}
	require.NoError(t, taken.Decode(&mail))
	assert.Equal(t, "login@example.com", mail.From)
	assert.Equal(t, []string{addressee}, mail.To)
	assert.True(t, mail.Encrypted)
	got := read(t, []byte(mail.Letter))
	assert.Equal(t, m.Subject, got.subject)
	assert.Equal(t, m.Text, got.text)
	assert.Equal(t, m.HTML, got.html)

	m.To = "nobody@example.org"
	requireRefusal(t, s.Send(t.Context(), m), "RCPT: the server answers 550 5.1.1", true)
	m.To = "later@example.org"
	requireRefusal(t, s.Send(t.Context(), m), "RCPT: the server answers 450 4.2.0", false)
	cfg.Password = "wrong"
	requireRefusal(t, newSender(t, cfg).Send(t.Context(), message()), "AUTH: the server answers 535 5.7.8", true)
	cfg.Username, cfg.Password = "", ""
	requireRefusal(t, newSender(t, cfg).Send(t.Context(), message()), "MAIL: the server answers 530 5.7.0", true)
}

// startAiosmtpd starts a server that ends with the test, or with this process.
// From what is returned come its mails.
func startAiosmtpd(t *testing.T) (smtpsender.Config, *json.Decoder) {
	t.Helper()
	python := ""
	for _, p := range []string{"/usr/bin/python3", "python3"} { // that of Debian sees its packages
		if exec.CommandContext(t.Context(), p, "-c", "import aiosmtpd").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("aiosmtpd is not installed (Debian: apt-get install python3-aiosmtpd), so sending to a foreign server is not tested.")
	}
	ca := newAuthority(t)
	file := filepath.Join(t.TempDir(), "server.pem")
	writePEM(t, file, ca.issue(t, "127.0.0.1"))
	untilAfterTheTest := context.WithoutCancel(t.Context()) // the end of its input ends it
	cmd := exec.CommandContext(untilAfterTheTest, python, "testdata/aiosmtpd/server.py", file, username, password)
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore", "PYTHONUTF8=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait(), "%s", &stderr)
	})
	answers := json.NewDecoder(stdout)
	var port int
	require.NoError(t, answers.Decode(&port))
	return smtpsender.Config{
		Host: "127.0.0.1", Port: port, Username: username, Password: password, TLSConfig: &tls.Config{RootCAs: ca.pool},
	}, answers
}

func writePEM(t *testing.T, file string, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	require.NoError(t, err)
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	require.NoError(t, os.WriteFile(file, b, 0o600))
}
