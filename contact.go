package mfa

import (
	"context"
	"fmt"

	"github.com/go-mfa/mfa/factor"
)

// ContactChanged tells that the app has another verified address of a user, so
// that a notice goes to the former one, too. Call it after the change.
// oldChannel is the former address by factor.EmailChannel or
// factor.PhoneChannel, empty if there was none.
//
// Codes that went to the former address are void by themselves, and sessions keep
// what was proved with it. Where verified addresses are second factors, changing
// one is changing a factor: the app lets those do it only who may change factors,
// and only once the new address is verified.
func (m *Manager) ContactChanged(ctx context.Context, userID, oldChannel string) error {
	if userID == "" {
		return fmt.Errorf("%w: name the user", ErrInvalid)
	}
	m.emit(ctx, Event{Kind: EventContactChanged, UserID: userID, Channel: oldChannel})
	return nil
}

// channelOf returns the channel of an opened credential, empty if its method
// has none.
func (m *Manager) channelOf(c Credential) string {
	f := m.factors[c.Method]
	if f == nil || !factor.HasChannels(f) {
		return ""
	}
	channel, _ := factor.Channel(f, User{ID: c.UserID}, &c)
	return channel
}

// sealedChannel returns the channel of a credential that need not open any
// more: it is only for a notice.
func (m *Manager) sealedChannel(c Credential) string {
	if f := m.factors[c.Method]; f == nil || !factor.HasChannels(f) {
		return ""
	}
	opened, err := m.open(c)
	if err != nil {
		return ""
	}
	return m.channelOf(opened)
}
