package otpdelivery

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewRefusesWhatIsIncompleteOrUnsafe(t *testing.T) {
	queue, err := NewQueue(QueueConfig{Sender: &outbox{}})
	require.NoError(t, err)
	for want, change := range map[string]func(*Config){
		"otpdelivery: Config.App is empty: say what the app is called, so that people know who writes to them":                                               func(c *Config) { c.App = " \n" },
		"otpdelivery: Config.Sender is missing: take smtpsender.New, or write a SenderFunc":                                                                  func(c *Config) { c.Sender = nil },
		"otpdelivery: Config.SignIn needs a *Queue as Sender, because how long sending takes would say whether a name exists: wrap the sender with NewQueue": func(c *Config) { c.SignIn = true },
		`otpdelivery: Config.Links needs Config.BaseURL, such as "https://example.com/mfa"`:                                                                  func(c *Config) { c.Links, c.BaseURL = true, "" },
		`otpdelivery: Config.BaseURL is no https URL without query: give where the pages of mfahttp are, such as "https://example.com/mfa"`:                  func(c *Config) { c.BaseURL = "http://example.com/mfa" },
		"otpdelivery: Config.Digits is 4: a code has 6 or 8 digits":                                                                                          func(c *Config) { c.Digits = 4 },
		"otpdelivery: Config.Limits.PerUser is negative: leave it zero for the default of 10":                                                                func(c *Config) { c.Limits.PerUser = -1 },
		"otpdelivery: Config.Limits.Cooldown is negative: leave it zero for the default of 30 s":                                                             func(c *Config) { c.Limits.Cooldown = -1 },
		"otpdelivery: Config.Countries is for SMS: leave it empty for e-mail":                                                                                func(c *Config) { c.Countries = []string{"+1"} },
		`otpdelivery: Config.Templates: en/verify.txt defines no "subject"`:                                                                                  func(c *Config) { c.Templates = fstest.MapFS{"en/verify.txt": {Data: []byte("x")}} },
		`otpdelivery: Config.Templates: open tlh/enroll.txt: file does not exist`: func(c *Config) {
			c.Templates = fstest.MapFS{"tlh/verify.txt": {Data: []byte(`{{define "subject"}}{{end}}{{define "text"}}{{end}}`)}}
		},
	} {
		cfg := Config{App: "Example", Sender: &outbox{}, BaseURL: "https://example.com/mfa"}
		change(&cfg)
		_, err := NewEmail(cfg)
		require.EqualError(t, err, want)
	}
	for _, missing := range []Sender{nil, SenderFunc(nil), (*Queue)(nil), (*Fallback)(nil)} {
		_, err := NewEmail(Config{App: "Example", Sender: missing})
		require.ErrorContains(t, err, "Config.Sender is missing", "%T", missing)
		_, err = NewQueue(QueueConfig{Sender: missing})
		require.ErrorContains(t, err, "QueueConfig.Sender is missing", "%T", missing)
		_, err = NewFallback(FallbackConfig{Senders: []Sender{&outbox{}, missing}})
		require.ErrorContains(t, err, "FallbackConfig.Senders[1] is nil", "%T", missing)
	}
	_, err = NewEmail(Config{App: "Example", Sender: &outbox{}, BaseURL: "https://example.com/mfa?"})
	require.ErrorContains(t, err, "without query")
	for want, change := range map[string]func(*Config){
		"otpdelivery: Config.Links is for e-mail: an SMS has no room for a link":                                                                                               func(c *Config) { c.Links = true },
		`otpdelivery: Config.Countries is empty: name the calling codes that SMS may go to, such as "+49", because messages abroad cost money and are what fraudsters ask for`: func(c *Config) { c.Countries = nil },
		`otpdelivery: Config.Countries has "49", which is no calling code: write "+49"`:                                                                                        func(c *Config) { c.Countries = []string{"49"} },
	} {
		cfg := Config{App: "Example", Sender: &outbox{}, Countries: []string{"+1"}}
		change(&cfg)
		_, err := NewSMS(cfg)
		require.EqualError(t, err, want)
	}
	f, err := NewEmail(Config{App: "Example", Sender: queue, SignIn: true})
	require.NoError(t, err)
	assert.Equal(t, Limits{PerUser: 10, PerAddress: 10, PerPrefix: 50, PerDay: 10_000, Cooldown: 30 * time.Second}, f.cfg.Limits)
	assert.True(t, f.Info().FirstFactor)
	for _, local := range []string{"http://localhost:8080/mfa", "http://127.0.0.1/mfa", "http://[::1]:80"} {
		_, err := NewEmail(Config{App: "Example", Sender: queue, BaseURL: local})
		require.NoError(t, err, local)
	}
}
