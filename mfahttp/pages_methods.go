package mfahttp

import (
	"slices"

	"github.com/go-mfa/mfa"
)

// The methods that the pages know by name. The packages of the factors are not
// imported: an app that has no security keys does not link go-webauthn.
const (
	methodTOTP     = "totp"
	methodWebAuthn = "webauthn"
	methodLookup   = "lookup_secret"
)

// methodLabel names a method for people.
func methodLabel(method string) string {
	switch method {
	case methodTOTP:
		return "Authenticator app"
	case methodWebAuthn:
		return "Security key or passkey"
	case methodLookup:
		return "Recovery code"
	default:
		return method
	}
}

// methodDescription describes a method that the pages know by name.
func methodDescription(method string) string {
	switch method {
	case methodTOTP:
		return "An app that shows a new code every half a minute. Works without a network."
	case methodWebAuthn:
		return "A key that you plug in or hold to your phone, or a passkey on a device. The strongest protection."
	default:
		return ""
	}
}

// enrollable reports whether the pages can set the method up.
func enrollable(ms mfa.MethodStatus) bool {
	return ms.Enrollable && (ms.Method == methodTOTP || ms.Method == methodWebAuthn)
}

// verifiable reports whether the pages can ask for the method: those that are
// answered at once, and WebAuthn by the script.
func verifiable(ms mfa.MethodStatus) bool {
	return ms.Usable && (ms.Promptless || ms.Method == methodWebAuthn)
}

func methodStatus(status mfa.Status, method string) (mfa.MethodStatus, bool) {
	i := slices.IndexFunc(status.Methods, func(ms mfa.MethodStatus) bool { return ms.Method == method })
	if i < 0 {
		return mfa.MethodStatus{}, false
	}
	return status.Methods[i], true
}
