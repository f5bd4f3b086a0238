package factor

import "errors"

// channeler is the optional part of a Factor that proves control of a channel.
type channeler interface {
	// Channel returns what a use of c would prove, or with nil what the
	// user's verified contact would.
	Channel(u User, c *Credential) (channel string, ok bool)
}

// keyer is the optional part of a Factor that can sign a user in without a
// name.
type keyer interface {
	// CredentialKey returns the Credential.Key that a response claims.
	CredentialKey(response []byte) (string, error)
}

// HasChannels reports whether uses of f can prove a channel.
func HasChannels(f Factor) bool {
	_, ok := f.(channeler)
	return ok
}

// Channel returns the channel that using c would prove, or with a nil c the
// one of the user's verified contact. A factor without the optional method
// Channel(User, *Credential) (string, bool) has none.
func Channel(f Factor, u User, c *Credential) (channel string, ok bool) {
	if ch, is := f.(channeler); is {
		return ch.Channel(u, c)
	}
	return "", false
}

// CredentialKey returns the Credential.Key that a response to a sign-in
// without a user name claims. A factor without the optional method
// CredentialKey([]byte) (string, error) cannot be used that way.
func CredentialKey(f Factor, response []byte) (string, error) {
	if k, is := f.(keyer); is {
		return k.CredentialKey(response)
	}
	return "", errors.New("factor: sign-in without a user name is not supported by this method")
}
