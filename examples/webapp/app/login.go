package app

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-mfa/mfa"
)

// credentials is what signing up and signing in take, as a form or as JSON.
type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Email    string `json:"email"`
	Phone    string `json:"phone"`
}

func (c *credentials) fill(form url.Values) {
	c.Username, c.Password = form.Get("username"), form.Get("password")
	c.Email, c.Phone = form.Get("email"), form.Get("phone")
}

// signedInAnswer tells a script whether a second factor is still asked for,
// and which of the user's would do.
type signedInAnswer struct {
	Pending bool     `json:"pending"`
	Methods []string `json:"methods"`
}

// loginForm is what the pages with a form for credentials show.
type loginForm struct {
	Username, Email, Phone, ReturnTo, Error string
	SignedIn                                bool
	ByCode                                  bool // codes by e-mail and SMS are an alternative
}

func (a *App) signupPage(w http.ResponseWriter, r *http.Request) { a.formPage(w, r, "signup") }

// loginPage shows its form to those who are signed in too: a fresh password is
// what some of the gates send them here for.
func (a *App) loginPage(w http.ResponseWriter, r *http.Request) { a.formPage(w, r, "login") }

func (a *App) formPage(w http.ResponseWriter, r *http.Request, name string) {
	a.render(w, r, http.StatusOK, name, loginForm{
		ReturnTo: mfa.ReturnTo(r.URL.Query().Get("return_to"), ""),
		SignedIn: a.sessions.GetString(r.Context(), userKey) != "",
		ByCode:   a.delivery != nil,
	})
}

func (a *App) signup(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if f := readBody(w, r, &c); f != nil {
		a.answer(w, r, f)
		return
	}
	u, err := a.users.create(r.Context(), c.Username, c.Password, c.Email, c.Phone)
	switch {
	case errors.Is(err, errNameTaken):
		a.formAgain(w, r, "signup", c, &failure{http.StatusConflict, "name_taken", "This name is taken."})
	case errors.Is(err, errBadName), errors.Is(err, errBadPassword):
		a.formAgain(w, r, "signup", c, &failure{http.StatusUnprocessableEntity, "invalid", "Please correct this: " + err.Error() + "."})
	case err != nil:
		a.fail(w, r, err)
	default:
		a.signIn(w, r, u)
	}
}

func (a *App) login(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if f := readBody(w, r, &c); f != nil {
		a.answer(w, r, f)
		return
	}
	u, err := a.users.check(r.Context(), c.Username, c.Password)
	switch {
	case errors.Is(err, errWrongLogin):
		a.formAgain(w, r, "login", c, &failure{http.StatusUnauthorized, "wrong_login", "Wrong name or password."})
	case err != nil:
		a.fail(w, r, err)
	default:
		a.signIn(w, r, u)
	}
}

// signIn tells the library that a password was right, and sends the user on:
// to the second factor if one is asked for, else to where they wanted to go.
func (a *App) signIn(w http.ResponseWriter, r *http.Request, u user) {
	status, err := a.mfa.SignIn(w, r, u.id, mfa.Password())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if wantsJSON(r) {
		answer := signedInAnswer{Pending: status.Pending, Methods: []string{}}
		if status.Pending {
			answer.Methods = append(answer.Methods, status.SignIn.Methods...)
		}
		a.writeJSON(w, r, http.StatusOK, answer)
		return
	}
	to := mfa.ReturnTo(r.PostForm.Get("return_to"), "/account")
	if status.Pending {
		to = withReturnTo(a.mfa.Destination(status.SignIn), to)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	if err := a.mfa.SignOut(w, r); err != nil {
		a.fail(w, r, err)
		return
	}
	if wantsJSON(r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// formAgain shows the form once more with what was wrong, and never the
// password.
func (a *App) formAgain(w http.ResponseWriter, r *http.Request, name string, c credentials, f *failure) {
	if wantsJSON(r) {
		a.answer(w, r, f)
		return
	}
	a.render(w, r, f.Status, name, loginForm{
		Username: c.Username, Email: c.Email, Phone: c.Phone, Error: f.Title,
		ReturnTo: mfa.ReturnTo(r.PostForm.Get("return_to"), ""),
		SignedIn: a.sessions.GetString(r.Context(), userKey) != "",
		ByCode:   a.delivery != nil,
	})
}

// withReturnTo adds to a URL of the library where to go from there.
func withReturnTo(to, back string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	q := u.Query()
	q.Set("return_to", back)
	u.RawQuery = q.Encode()
	return u.String()
}
