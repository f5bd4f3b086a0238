// Package post is what the senders that speak HTTP have in common: a client
// that takes its credentials nowhere else, and errors that repeat nothing that
// was sent.
package post

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/go-mfa/mfa/otpdelivery"
)

// ParseURL takes an absolute https URL without login and fragment, or an http
// one of this machine.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	local := err == nil && u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	if err != nil || u.Scheme != "https" && !local || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New(`is no https URL: write it like "https://example.com/path", without login; http is for localhost alone`)
	}
	return u, nil
}

// Client returns a copy of c that follows no redirect, keeps no cookie and has
// a timeout, of ten seconds if c is nil or has none.
func Client(c *http.Client) *http.Client {
	own := http.Client{}
	if c != nil {
		own = *c
	}
	if own.Timeout <= 0 {
		own.Timeout = 10 * time.Second
	}
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Answer is what the other side says.
type Answer struct {
	Status int
	After  time.Duration // of Retry-After; zero if it does not say
	Body   []byte        // its first 64 KiB, or what of them came
}

const maxBody = 64 << 10

// Do sends a request. An error means that there was no answer. It says why, and
// of the URL the host at most.
func Do(c *http.Client, r *http.Request) (Answer, error) {
	response, err := c.Do(r) //nolint:gosec // G704: the URL is the app's own, from a Config
	if err != nil {
		return Answer{}, explain(err)
	}
	defer func() { _ = response.Body.Close() }()
	// The status says what became of the message, even if the rest is lost.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return Answer{
		Status: response.StatusCode,
		After:  parseRetryAfter(response.Header.Get("Retry-After"), time.Now()),
		Body:   body,
	}, nil
}

// Fault returns the error of an answer that took nothing over: what it said, in
// a few harmless words.
func (a Answer) Fault(said string, permanent bool) error {
	err := errors.New(said)
	switch {
	case permanent:
		return fmt.Errorf("%w: %w", err, otpdelivery.ErrPermanent)
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable && a.After > 0:
		return &otpdelivery.LaterError{After: a.After, Err: err}
	}
	return err
}

// maxAfter is as long as it matters, and far from what a Duration can hold.
const maxAfter = 24 * time.Hour

// parseRetryAfter reads seconds or a date (RFC 9110, section 10.2.3). What it
// does not understand, or is over, is zero.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(s, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxAfter)
}

// explain leaves out the URL, which may have an account or a token in it, and
// what came in place of HTTP, which may repeat the request.
func explain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	network, isNetwork := errors.AsType[*net.OpError](err)
	certificate, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("no answer yet: %w", context.Canceled)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout && timeout.Timeout():
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case isNetwork:
		return fmt.Errorf("no answer: %w", network)
	case isCertificate:
		return fmt.Errorf("no answer: %w", certificate)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("no answer, the server has hung up: %w", io.ErrUnexpectedEOF)
	}
	return errors.New("no answer, the server or the way to it does not keep to HTTP")
}
