// Package twilio sends the SMS of package otpdelivery through Twilio's Messages
// API, one request for each and nothing besides:
//
//	sender, err := twilio.New(twilio.Config{
//		AccountSID: os.Getenv("TWILIO_ACCOUNT_SID"),
//		AuthToken:  os.Getenv("TWILIO_AUTH_TOKEN"),
//		From:       "+14155550100",
//	})
//
// Twilio is told when a code expires and drops it if it could not send it until
// then. A nil error means that Twilio has queued the message. What becomes of it
// later, such as a phone that is off, it tells a status callback, which this
// package does not have.
//
// # Errors
//
// An error wraps otpdelivery.ErrPermanent if Twilio refuses the account (401,
// 403), or the message by a client error (4xx) with a code of its own: numbers
// that do not exist (21211), cannot receive text (21614, 21635) or have opted out
// (21610), countries that the account may not write to (21408), a wrong sender
// (21606), and the like. Codes are added all the time; one that is new counts
// too, because the same request would get the same answer. Not permanent are those
// that are about the moment: a full queue (21611).
//
// Too many requests (429) are a *otpdelivery.LaterError. After any other error the
// message may be sent again: server errors, redirects, client errors that somebody
// else on the way answers, lost connections, and when the time is over. If it was
// over while Twilio answered, the message may arrive twice, because the API has
// nothing by which to recognise it.
//
// Errors carry the status and Twilio's code, never its words, which name the
// addressee.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/internal/post"
)

// Config says which account sends, and from what. AccountSID, AuthToken, and
// either From or MessagingServiceSID are required.
type Config struct {
	AccountSID string // begins with AC
	AuthToken  string

	From                string // a number of yours in E.164 form, a short code, or an alphanumeric sender
	MessagingServiceSID string // begins with MG; Twilio chooses the sender then

	BaseURL string // https://api.twilio.com by default

	// Client has, for example, a proxy. New copies it, has it follow no redirect
	// and keep no cookie, and gives it a timeout of 10 s where it has none.
	Client *http.Client
}

// Sender sends SMS through Twilio. It is safe for concurrent use.
type Sender struct {
	cfg      Config
	endpoint string
	client   *http.Client
}

var _ otpdelivery.Sender = (*Sender)(nil)

var (
	accountSID = regexp.MustCompile(`\AAC[0-9a-fA-F]{32}\z`)
	serviceSID = regexp.MustCompile(`\AMG[0-9a-fA-F]{32}\z`)
	printable  = regexp.MustCompile(`\A[!-~]([ -~]{0,30}[!-~])?\z`)
)

// New returns a Sender. It does not connect. It refuses a Config that is
// incomplete or contradicts itself with one sentence that says how to mend it.
func New(cfg Config) (*Sender, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("twilio: %w", err)
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = "https://api.twilio.com"
	}
	base, err := post.ParseURL(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("twilio: Config.BaseURL %w", err)
	}
	if base.RawQuery != "" {
		return nil, errors.New("twilio: Config.BaseURL has a query: leave it out")
	}
	return &Sender{
		cfg: cfg, client: post.Client(cfg.Client),
		endpoint: base.JoinPath("2010-04-01", "Accounts", cfg.AccountSID, "Messages.json").String(),
	}, nil
}

func (c *Config) check() error {
	switch {
	case !accountSID.MatchString(c.AccountSID):
		return errors.New("Config.AccountSID is no SID of an account: take the one from Twilio's console, AC and 32 digits")
	case c.AuthToken == "":
		return errors.New("Config.AuthToken is empty: take the one from Twilio's console")
	case (c.From == "") == (c.MessagingServiceSID == ""):
		return errors.New("Config needs one of From and MessagingServiceSID: set the one that messages come from, and leave the other empty")
	case c.From != "" && !printable.MatchString(c.From):
		return errors.New(`Config.From is no sender: write a number like "+14155550100", a short code, or a name of up to 11 letters`)
	case c.From == "" && !serviceSID.MatchString(c.MessagingServiceSID):
		return errors.New("Config.MessagingServiceSID is no SID of a service: take the one from Twilio's console, MG and 32 digits")
	}
	return nil
}

// Format implements [fmt.Formatter]. It prints no token, under any verb.
func (s *Sender) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Sender(%s, redacted)", s.cfg.AccountSID)
}

// Send implements [otpdelivery.Sender]. It returns when Twilio has queued the
// message or refused it, when ctx is done, or after the client's timeout. The
// package documentation says which errors are permanent.
func (s *Sender) Send(ctx context.Context, m otpdelivery.Message) error {
	if m.Channel != otpdelivery.SMS {
		return fmt.Errorf("twilio: the message is no SMS: %w", otpdelivery.ErrPermanent)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, strings.NewReader(s.form(m).Encode()))
	if err != nil {
		return errors.New("twilio: the request cannot be made") // New has checked what it is made of
	}
	r.SetBasicAuth(s.cfg.AccountSID, s.cfg.AuthToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	answer, err := post.Do(s.client, r)
	if err != nil {
		return fmt.Errorf("twilio: %w", err)
	}
	return judge(answer)
}

func (s *Sender) form(m otpdelivery.Message) url.Values {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if s.cfg.From != "" {
		form.Set("From", s.cfg.From)
	} else {
		form.Set("MessagingServiceSid", s.cfg.MessagingServiceSID)
	}
	if !m.Expires.IsZero() {
		// Twilio takes 1 to 36,000 seconds.
		left := min(max(int64(time.Until(m.Expires)/time.Second), 1), 36_000)
		form.Set("ValidityPeriod", strconv.FormatInt(left, 10))
	}
	return form
}

// momentary are codes of client errors that may be gone the next time.
var momentary = []int{
	21611, // the sender's queue is full
}

func judge(answer post.Answer) error {
	if answer.Status == http.StatusCreated {
		return nil
	}
	reason := parseCode(answer.Body)
	said := fmt.Sprintf("twilio: Twilio answers %d", answer.Status)
	if reason != 0 {
		said += fmt.Sprintf(" (%d)", reason)
	}
	switch answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return answer.Fault(said, true)
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return answer.Fault(said, false)
	}
	return answer.Fault(said, answer.Status/100 == 4 && reason != 0 && !slices.Contains(momentary, reason))
}

// parseCode returns Twilio's own code of an error, five digits, or zero.
func parseCode(body []byte) int {
	var said struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(body, &said) != nil || said.Code < 10_000 || said.Code > 99_999 {
		return 0
	}
	return said.Code
}
