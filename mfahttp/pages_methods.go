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
	methodEmail    = "email"
	methodSMS      = "sms"
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
	case methodEmail:
		return "Code by e-mail"
	case methodSMS:
		return "Code by text message"
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
	case methodEmail:
		return "A code that we send to your e-mail address. It protects no better than your mailbox does."
	case methodSMS:
		return "A code that we send to your phone as a text message. Others can intercept it: use something else if you can."
	default:
		return ""
	}
}

// delivered reports whether the pages can ask for a code of the method that is
// sent to an address.
func delivered(method string) bool { return method == methodEmail || method == methodSMS }

// enrollable reports whether the pages can set the method up.
func enrollable(ms mfa.MethodStatus) bool {
	return ms.Enrollable && (ms.Method == methodTOTP || ms.Method == methodWebAuthn || delivered(ms.Method))
}

// verifiable reports whether the pages can ask for the method: those that are
// answered at once, those that send a code, and WebAuthn by the script.
func verifiable(ms mfa.MethodStatus) bool {
	return ms.Usable && (ms.Promptless || ms.Method == methodWebAuthn || delivered(ms.Method))
}

// addressOf reads the masked address of a credential, "" if it has none.
func addressOf(details map[string]any) string {
	address, _ := details["address"].(string)
	return address
}

func methodStatus(status mfa.Status, method string) (mfa.MethodStatus, bool) {
	i := slices.IndexFunc(status.Methods, func(ms mfa.MethodStatus) bool { return ms.Method == method })
	if i < 0 {
		return mfa.MethodStatus{}, false
	}
	return status.Methods[i], true
}
