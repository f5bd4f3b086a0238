package smtpsender

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
)

// FuzzCompose requires that a message is refused for good, or becomes a mail
// that says what the message says and nothing else.
func FuzzCompose(f *testing.F) {
	f.Add("id", "jane@example.org", "Your code", "492817\r\n.\n", "<b>492817</b>")
	s, err := New(Config{Host: "smtp.example.com", From: "Example <login@example.com>"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, id, to, subject, text, html string) {
		letter, err := s.compose(otpdelivery.Message{ID: id, Channel: otpdelivery.Email, To: to, Subject: subject, Text: text, HTML: html})
		if err != nil {
			require.ErrorIs(t, err, otpdelivery.ErrPermanent)
			return
		}
		head, _, _ := strings.Cut(string(letter), "\r\n\r\n")
		for line := range strings.SplitSeq(head, "\r\n") {
			require.LessOrEqual(t, len(line), 998)
			require.NotContains(t, line, "\n")
			require.NotContains(t, line, "\r")
			require.NotEmpty(t, strings.TrimSpace(line), "some servers take it for the end of the header")
		}
		m, err := mail.ReadMessage(bytes.NewReader(letter))
		require.NoError(t, err)
		names := slices.Collect(maps.Keys(m.Header))
		want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
		if html == "" {
			want = append(want, "Content-Transfer-Encoding")
		}
		require.ElementsMatch(t, want, names)
		require.Equal(t, []string{"<" + to + ">"}, m.Header["To"])
		require.Equal(t, []string{"<" + id + "@example.com>"}, m.Header["Message-Id"])
		require.Len(t, m.Header["Subject"], 1)
		got, err := (&mime.WordDecoder{}).DecodeHeader(m.Header["Subject"][0])
		require.NoError(t, err)
		require.Equal(t, subject, got)
		if html == "" {
			require.Equal(t, lines(text), lines(printable(t, m.Body)))
			return
		}
		_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		require.NoError(t, err)
		parts := multipart.NewReader(m.Body, params["boundary"])
		for _, want := range []string{text, html} {
			part, err := parts.NextRawPart()
			require.NoError(t, err)
			require.Equal(t, lines(want), lines(printable(t, part)))
		}
		_, err = parts.NextRawPart()
		require.ErrorIs(t, err, io.EOF)
	})
}

func printable(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(quotedprintable.NewReader(r))
	require.NoError(t, err)
	return string(b)
}

// lines makes every line break a \n, as mail makes every one \r\n.
func lines(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }
