package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/go-mfa/mfa/otpdelivery"
)

// wireMessage is a message on its way. The package documentation lists its
// names.
type wireMessage struct {
	ID      string              `json:"id"`
	UserID  string              `json:"user_id,omitempty"`
	Channel otpdelivery.Channel `json:"channel"`
	To      string              `json:"to"`
	Purpose string              `json:"purpose,omitempty"`
	Locale  string              `json:"locale,omitempty"`
	Subject string              `json:"subject,omitempty"`
	Text    string              `json:"text,omitempty"`
	HTML    string              `json:"html,omitempty"`
	Fields  wireFields          `json:"fields,omitzero"`
	Expires time.Time           `json:"expires,omitzero"`
}

type wireFields struct {
	App        string    `json:"app,omitempty"`
	Host       string    `json:"host,omitempty"`
	Name       string    `json:"name,omitempty"`
	Code       string    `json:"code,omitempty"`
	Link       string    `json:"link,omitempty"`
	Minutes    int       `json:"minutes,omitempty"`
	Method     string    `json:"method,omitempty"`
	Credential string    `json:"credential,omitempty"`
	First      bool      `json:"first,omitempty"`
	At         time.Time `json:"at,omitzero"`
	Left       int       `json:"left,omitempty"`
}

// id is what a header can carry.
var id = regexp.MustCompile(`\A[!-~]{1,255}\z`)

// encode refuses what would not arrive as it is.
func encode(m otpdelivery.Message) ([]byte, error) {
	body, err := marshal(wireMessage{
		ID: m.ID, UserID: m.UserID, Channel: m.Channel, To: m.To, Purpose: m.Purpose, Locale: m.Locale,
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, Fields: wireFields(m.Fields), Expires: m.Expires,
	})
	if err != nil {
		return nil, errors.New("the message has an impossible time")
	}
	if len(body) > maxBody {
		return nil, errors.New("the message is larger than 64 KiB")
	}
	if _, err := decode(body); err != nil {
		return nil, errors.New("the message is not UTF-8, has no id, or belongs to no channel")
	}
	return body, nil
}

// decode takes the bytes that encode writes and no others: no unknown or
// repeated name, none in another case, nothing after the object, no space.
func decode(body []byte) (otpdelivery.Message, error) {
	var w wireMessage
	if err := json.Unmarshal(body, &w); err != nil {
		return otpdelivery.Message{}, errors.New("the body is no message")
	}
	again, err := marshal(w)
	if err != nil || !bytes.Equal(again, body) {
		return otpdelivery.Message{}, errors.New("the body is not written as Sender writes it")
	}
	if w.Channel != otpdelivery.Email && w.Channel != otpdelivery.SMS || !id.MatchString(w.ID) {
		return otpdelivery.Message{}, errors.New("the message has no id, or belongs to no channel")
	}
	return otpdelivery.Message{
		ID: w.ID, UserID: w.UserID, Channel: w.Channel, To: w.To, Purpose: w.Purpose, Locale: w.Locale,
		Subject: w.Subject, Text: w.Text, HTML: w.HTML, Fields: otpdelivery.Fields(w.Fields), Expires: w.Expires,
	}, nil
}

func marshal(w wireMessage) ([]byte, error) {
	if !w.Expires.IsZero() {
		w.Expires = w.Expires.UTC()
	}
	if !w.Fields.At.IsZero() {
		w.Fields.At = w.Fields.At.UTC()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
