package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"

	"github.com/go-mfa/mfa"
)

// account is what its owner sees of it.
type account struct {
	Username string   `json:"username"`
	Email    string   `json:"email,omitempty"`
	Phone    string   `json:"phone,omitempty"`
	AAL      mfa.AAL  `json:"aal"`
	AMR      []string `json:"amr"`

	HighestAvailable mfa.AAL `json:"highest_available_aal"`
}

// message is a page with one thing to say.
type message struct{ Title, Text string }

// account reads what the gate has let through.
func (a *App) account(r *http.Request) (account, error) {
	s, ok := mfa.FromContext(r.Context())
	if !ok {
		return account{}, mfa.ErrNoSession
	}
	u, err := a.users.byID(r.Context(), s.UserID)
	if err != nil {
		return account{}, err
	}
	status, err := a.mfa.Status(r.Context(), s)
	if err != nil {
		return account{}, err
	}
	return account{
		Username: u.name, Email: u.email, Phone: u.phone,
		AAL: status.AAL, AMR: status.AMR, HighestAvailable: status.HighestAvailable,
	}, nil
}

func (a *App) accountPage(w http.ResponseWriter, r *http.Request) {
	acc, err := a.account(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.render(w, r, http.StatusOK, "account", acc)
}

func (a *App) accountJSON(w http.ResponseWriter, r *http.Request) {
	acc, err := a.account(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.writeJSON(w, r, http.StatusOK, acc)
}

// transferOrder is an amount of money, as a form or as JSON.
type transferOrder struct {
	Amount json.Number `json:"amount"`
}

func (t *transferOrder) fill(form url.Values) { t.Amount = json.Number(form.Get("amount")) }

var amountPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$`)

// transfer stands for something that matters. Nothing is moved.
func (a *App) transfer(w http.ResponseWriter, r *http.Request) {
	var order transferOrder
	if f := readBody(w, r, &order); f != nil {
		a.answer(w, r, f)
		return
	}
	if value, err := order.Amount.Float64(); err != nil || value <= 0 || !amountPattern.MatchString(order.Amount.String()) {
		a.answer(w, r, &failure{http.StatusUnprocessableEntity, "invalid", "An amount is a number above zero with at most two decimals."})
		return
	}
	if wantsJSON(r) {
		a.writeJSON(w, r, http.StatusOK, map[string]json.Number{"transferred": order.Amount})
		return
	}
	a.render(w, r, http.StatusOK, "message", message{Title: "Done", Text: "You have transferred " + order.Amount.String() + "."})
}

func (a *App) laxPage(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, "message", message{Title: "One factor is enough here", Text: "Whoever is signed in may read this page."})
}

func (a *App) keysOnlyPage(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, "message", message{
		Title: "Keys only",
		Text:  "You have used a passkey or a security key, which no phishing site could have relayed.",
	})
}
