package smtpsender_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

const addressee = "jane.doe+mfa@example.org"

func message() otpdelivery.Message {
	return otpdelivery.Message{
		ID: "NVTGCLLBNZSA", UserID: "user", Channel: otpdelivery.Email, To: addressee, Purpose: "verify",
		Subject: "Your code for Example", Text: "Your code is 492817.\n", HTML: "<p>Your code is <b>492817</b>.</p>\n",
	}
}

func newSender(t testing.TB, cfg smtpsender.Config) *smtpsender.Sender {
	t.Helper()
	s, err := smtpsender.New(cfg)
	require.NoError(t, err)
	return s
}

// content is what a mail program shows.
type content struct {
	header     mail.Header
	subject    string
	text, html string
	parts      []string // their types
}

func read(t testing.TB, letter []byte) content {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(letter))
	require.NoError(t, err)
	c := content{header: m.Header}
	c.subject, err = (&mime.WordDecoder{}).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	if kind != "multipart/alternative" {
		c.add(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
		return c
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return c
		}
		require.NoError(t, err)
		c.add(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
	}
}

func (c *content) add(t testing.TB, contentType, encoding string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	require.Equal(t, "utf-8", strings.ToLower(params["charset"]))
	require.Equal(t, "quoted-printable", encoding)
	b, err := io.ReadAll(quotedprintable.NewReader(body))
	require.NoError(t, err)
	c.parts = append(c.parts, kind)
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	if kind == "text/html" {
		c.html = text
	} else {
		c.text = text
	}
}

func TestSend(t *testing.T) {
	for _, c := range []struct {
		name      string
		office    *office
		mechanism string
	}{
		{"STARTTLS", &office{}, ""},
		{"STARTTLS, AUTH PLAIN", &office{mechanisms: []string{"LOGIN", "PLAIN"}}, "PLAIN"},
		{"STARTTLS, AUTH LOGIN", &office{mechanisms: []string{"LOGIN"}}, "LOGIN"},
		{"implicit TLS", &office{implicit: true}, ""},
		{"implicit TLS, AUTH PLAIN", &office{implicit: true, mechanisms: []string{"PLAIN"}}, "PLAIN"},
		{"implicit TLS, AUTH LOGIN", &office{implicit: true, mechanisms: []string{"XOAUTH2", "LOGIN"}}, "LOGIN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(t, c.office.open(t))
			before := time.Now().Truncate(time.Second)
			require.NoError(t, s.Send(t.Context(), message()))

			p := c.office.only(t)
			assert.True(t, p.encrypted)
			assert.Equal(t, c.mechanism, p.mechanism)
			assert.Equal(t, "login@example.com", p.from)
			assert.Equal(t, []string{addressee}, p.to)
			got := read(t, p.letter)
			assert.Equal(t, message().Subject, got.subject)
			assert.Equal(t, message().Text, got.text)
			assert.Equal(t, message().HTML, got.html)
			assert.Equal(t, []string{"text/plain", "text/html"}, got.parts, "the last is what programs prefer")
			assert.Equal(t, []string{`"Example" <login@example.com>`}, got.header["From"])
			assert.Equal(t, []string{"<" + addressee + ">"}, got.header["To"])
			assert.Equal(t, []string{"<NVTGCLLBNZSA@example.com>"}, got.header["Message-Id"])
			assert.Equal(t, []string{"auto-generated"}, got.header["Auto-Submitted"])
			sent, err := got.header.Date()
			require.NoError(t, err)
			assert.WithinRange(t, sent, before, time.Now())
			for name := range got.header {
				assert.Contains(t, []string{
					"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To",
				}, name, "a header that nobody asked for")
			}
		})
	}
}

func TestSend_WhatIsWrittenIsWhatIsRead(t *testing.T) {
	o := &office{}
	cfg := o.open(t)
	cfg.From, cfg.ReplyTo = "株式会社例 <login@example.com>", "Jürgen Groß <help@example.com>"
	s := newSender(t, cfg)
	long := strings.Repeat("x", 5000)
	for name, m := range map[string]otpdelivery.Message{
		"Japanese":     {Subject: "【例示サービス】ログイン用の確認コードをお送りします（有効期限は10分間です）", Text: "確認コード：492817\n", HTML: "<p lang=\"ja\">確認コード：492817</p>\n"},
		"long":         {Subject: long, Text: long + "\n" + long, HTML: "<p>" + long},
		"many words":   {Subject: strings.TrimSpace(strings.Repeat("word ", 300)), Text: strings.Repeat("word ", 3000) + "."},
		"dots":         {Subject: ".", Text: ".\n..\n.\r\n.\n\n.hidden\n.", HTML: ".\n.</p>\n.\n"},
		"spaces":       {Subject: "  two  and   three ", Text: "trailing \t \nFrom here\n--\n=3D =\n", HTML: " "},
		"encoded word": {Subject: "=?utf-8?q?a=0D=0ABcc:_evil=40example.net?= =?", Text: "=?utf-8?q?=41?="},
		"emoji":        {Subject: strings.Repeat("🔐é", 40), Text: strings.Repeat("🔐", 400)},
		"nothing":      {},
		"boundary":     {Subject: "-", Text: "--\n--a\n\n--a--\nContent-Type: text/html\n\n<b>\n", HTML: "--"},
	} {
		t.Run(name, func(t *testing.T) {
			m.ID, m.Channel, m.To = "id", otpdelivery.Email, addressee
			require.NoError(t, s.Send(t.Context(), m))
			taken := o.all()
			letter := taken[len(taken)-1].letter
			for line := range strings.Lines(string(letter)) {
				require.LessOrEqual(t, len(line), 998, "RFC 5322, section 2.1.1")
				require.True(t, strings.HasSuffix(line, "\r\n"), "RFC 5321, section 2.3.8: %q", line)
				require.NotContains(t, line[:len(line)-2], "\r")
				require.False(t, strings.ContainsFunc(line, func(r rune) bool { return r > 126 }), "8-bit: %q", line)
			}
			got := read(t, letter)
			assert.Equal(t, m.Subject, got.subject)
			want := strings.ReplaceAll(m.Text, "\r\n", "\n")
			if m.HTML == "" {
				assert.Equal(t, []string{"text/plain"}, got.parts)
			}
			if m.HTML == "" && want != "" {
				want = strings.TrimSuffix(want, "\n") + "\n" // a mail ends with a line
			}
			assert.Equal(t, want, got.text)
			assert.Equal(t, m.HTML, got.html)
			from, err := got.header.AddressList("From")
			require.NoError(t, err)
			assert.Equal(t, []*mail.Address{{Name: "株式会社例", Address: "login@example.com"}}, from)
			replyTo, err := got.header.AddressList("Reply-To")
			require.NoError(t, err)
			assert.Equal(t, []*mail.Address{{Name: "Jürgen Groß", Address: "help@example.com"}}, replyTo)
		})
	}
}

func TestSend_AddresseesBeyondASCII(t *testing.T) {
	m := message()
	m.To = "用户@例子.广告"
	t.Run("the server can", func(t *testing.T) {
		o := &office{utf8: true}
		s := newSender(t, o.open(t))
		require.NoError(t, s.Send(t.Context(), m))
		require.NoError(t, s.Send(t.Context(), message()))
		taken := o.all()
		require.Len(t, taken, 2)
		assert.Equal(t, []string{m.To}, taken[0].to)
		assert.True(t, taken[0].utf8)
		assert.Equal(t, []string{"<" + m.To + ">"}, read(t, taken[0].letter).header["To"])
		assert.False(t, taken[1].utf8, "nobody needs it")
	})
	t.Run("the server cannot", func(t *testing.T) {
		o := &office{}
		err := newSender(t, o.open(t)).Send(t.Context(), m)
		require.ErrorIs(t, err, otpdelivery.ErrPermanent)
		assert.NotContains(t, err.Error(), "例")
		assert.Empty(t, o.all())
	})
}

func TestSend_OnlyEMail(t *testing.T) {
	o := &office{}
	s := newSender(t, o.open(t))
	for _, channel := range []otpdelivery.Channel{otpdelivery.SMS, "", "Email"} {
		m := message()
		m.Channel = channel
		require.ErrorIs(t, s.Send(t.Context(), m), otpdelivery.ErrPermanent)
	}
	m := message()
	m.Channel, m.To = otpdelivery.SMS, "+4915112345678"
	err := s.Send(t.Context(), m)
	require.ErrorIs(t, err, otpdelivery.ErrPermanent)
	assert.NotContains(t, err.Error(), "4915112345678")
	assert.Empty(t, o.all())
}

func TestF09_WhatCouldForgeAHeaderIsRefused(t *testing.T) {
	o := &office{utf8: true}
	s := newSender(t, o.open(t))
	refused := func(m otpdelivery.Message) {
		t.Helper()
		err := s.Send(t.Context(), m)
		require.ErrorIs(t, err, otpdelivery.ErrPermanent)
		for _, secret := range []string{m.To, "example.org", "evil", "492817", "\r", "\n"} {
			if secret != "" {
				assert.NotContains(t, err.Error(), secret)
			}
		}
	}
	for _, subject := range []string{
		"a\r\nBcc: evil@example.net", "a\nBcc: evil@example.net", "a\rBcc: evil@example.net", "a\r\n\r\n<b>evil", "a\x00b", "a\x1b[31m",
		"a\u0085Bcc: evil@example.net", "\xff\xfe", "a\r\n evil",
	} {
		m := message()
		m.Subject = subject
		refused(m)
	}
	for _, to := range []string{
		"", "mary", "@example.org", "mary@", "mary@example.org, evil@example.net", "mary@example.org evil@example.net",
		"mary@example.org\r\nBcc: evil@example.net", "mary@example.org>\r\nRCPT TO:<evil@example.net", "mary@example.org> SIZE=1",
		"Mary <mary@example.org>", "<mary@example.org>", " mary@example.org", "mary@example.org ", "mary@example.org\n",
		`"mary doe"@example.org`, `"a\r\nb"@example.org`, "mary@[127.0.0.1]", "mary@[x> NOTIFY=NEVER]", "group: mary@example.org;",
		"mary(evil)@example.org", "mary@example.org(evil)", "ja\x00ne@example.org", "=?utf-8?q?evil?= <mary@example.org>", "\xff@example.org",
		"mary\u2028@example.org", "mary@exam\u0085ple.org",
	} {
		m := message()
		m.To = to
		refused(m)
	}
	for _, id := range []string{"", "a\r\nBcc: evil@example.net", "a> <b", "a@evil", "a b", "é", ".a", "a.", strings.Repeat("a", 1000)} {
		m := message()
		m.ID = id
		refused(m)
	}
	assert.Empty(t, o.all())
}

func TestF09_HostileTextIsInert(t *testing.T) {
	o := &office{}
	s := newSender(t, o.open(t))
	hostile := "<img src=x>{{.Secret}}\r\n.\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<evil@example.net>\r\nDATA\r\nSubject: spam\r\n\r\nevil\n.\nQUIT\r\n\r.\r"
	m := message()
	m.Subject, m.Text, m.HTML = "{{.Secret}} <img src=x> Bcc: evil@example.net", hostile, hostile
	require.NoError(t, s.Send(t.Context(), m))
	p := o.only(t)
	assert.Equal(t, []string{addressee}, p.to)
	got := read(t, p.letter)
	assert.Equal(t, m.Subject, got.subject)
	lines := strings.ReplaceAll(strings.ReplaceAll(hostile, "\r\n", "\n"), "\r", "\n") // a CR alone becomes a line break
	assert.Equal(t, lines, got.text)
	assert.Equal(t, lines, got.html)
	assert.Empty(t, got.header["Bcc"])
}

func TestSend_Concurrently(t *testing.T) {
	o := &office{mechanisms: []string{"PLAIN"}}
	s := newSender(t, o.open(t))
	const n = 40
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			m := message()
			m.ID, m.To = fmt.Sprintf("id-%d", i), fmt.Sprintf("user%d@example.org", i)
			m.Text = fmt.Sprintf("Your code is %06d.\n", i)
			assert.NoError(t, s.Send(t.Context(), m))
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, p := range o.all() {
		got := read(t, p.letter)
		require.Len(t, p.to, 1)
		i := strings.TrimSuffix(strings.TrimPrefix(p.to[0], "user"), "@example.org")
		assert.Equal(t, "<id-"+i+"@example.com>", got.header.Get("Message-Id"))
		assert.Equal(t, strings.Repeat("0", 6-len(i))+i, got.text[len("Your code is "):len(got.text)-2])
		seen[i] = true
	}
	assert.Len(t, seen, n)
	requireNothingLeft(t)
}

func TestSend_WithAContextThatIsDone(t *testing.T) {
	o := &office{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newSender(t, o.open(t)).Send(ctx, message())
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	assert.Empty(t, o.all())
}

// requireNothingLeft waits until no goroutine is under way in this module's
// code, apart from tests.
func requireNothingLeft(t testing.TB) {
	t.Helper()
	var stacks string
	require.Eventually(t, func() bool {
		b := make([]byte, 1<<20)
		stacks = string(b[:runtime.Stack(b, true)])
		return !strings.Contains(stacks, "smtpsender.(*") && !strings.Contains(stacks, "go-mail/smtp.")
	}, 10*time.Second, 5*time.Millisecond, "a goroutine is left")
}
