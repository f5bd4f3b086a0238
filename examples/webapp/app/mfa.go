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

// newManager adds the library: three factors, the app's database, the app's
// sessions.
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
	return mfa.New(mfa.Config{
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
	})
}

// mfaUser tells the library what the app knows of a user. This app has not
// verified the addresses that it was given, so it keeps them to itself.
func (a *App) mfaUser(ctx context.Context, id string) (mfa.User, error) {
	u, err := a.users.byID(ctx, id)
	if err != nil {
		return mfa.User{}, err
	}
	return mfa.User{ID: u.id, Name: u.name, DisplayName: u.name}, nil
}
