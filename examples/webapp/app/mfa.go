package app

import (
	"context"
	"fmt"
	"net/url"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/session/scssession"
	"github.com/go-mfa/mfa/storage/sqlstore"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// appName is what authenticator apps and browsers show.
const appName = "go-mfa demo"

// newManager adds the library: three factors, and in development two more; the
// app's database, the app's sessions.
func (a *App) newManager(o Options, origin *url.URL, key []byte) (*mfa.Manager, error) {
	totp, err := totpfactor.New(totpfactor.Config{Issuer: appName})
	if err != nil {
		return nil, err
	}
	keys, err := webauthnfactor.New(webauthnfactor.Config{
		RPID: origin.Hostname(), RPDisplayName: appName, Origins: []string{o.Origin}, UserVerification: o.UserVerification,
	})
	if err != nil {
		return nil, err
	}
	codes, err := lookup.New(lookup.Config{})
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.New(a.db, sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(context.Background()); err != nil {
		return nil, fmt.Errorf("preparing the library's tables: %w", err)
	}
	session, err := scssession.New(a.sessions, scssession.Config{UserKey: userKey})
	if err != nil {
		return nil, err
	}
	cfg := mfa.Config{
		Store:   store,
		Session: session,
		Factors: []mfa.Factor{totp, keys, codes},
		Keys:    [][]byte{key},
		User:    a.mfaUser,
		SignIn:  o.SignIn,
		Limits:  o.Limits,
		Logger:  o.Logger,
		Now:     o.Now,
		OnEvent: o.OnEvent,
	}
	if a.delivery == nil {
		cfg.Retired = []string{"email", "sms"} // whoever has set them up in development is not locked out
	} else {
		cfg.Factors = append(cfg.Factors, a.delivery.factors...)
		cfg.FindUser = a.users.idByName
		cfg.OnEvent = func(ctx context.Context, e mfa.Event) {
			a.delivery.notices.OnEvent(ctx, e)
			if o.OnEvent != nil {
				o.OnEvent(ctx, e)
			}
		}
	}
	return mfa.New(cfg)
}

// mfaUser tells the library what the app knows of a user. This app verifies no
// addresses, so it keeps them to itself, but in development, where nothing is
// really sent.
func (a *App) mfaUser(ctx context.Context, id string) (mfa.User, error) {
	u, err := a.users.byID(ctx, id)
	if err != nil {
		return mfa.User{}, err
	}
	known := mfa.User{ID: u.id, Name: u.name, DisplayName: u.name}
	if a.delivery != nil {
		known.Email, known.Phone = u.email, u.phone
	}
	return known, nil
}
