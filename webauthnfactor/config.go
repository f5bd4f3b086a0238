package webauthnfactor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

const (
	defaultTimeout = 5 * time.Minute
	maxTimeout     = time.Hour
)

// UserVerification says whether the authenticator has to verify the user, by
// PIN or biometrics (Web Authentication Level 3, section 5.8.6).
type UserVerification string

// The user verification requirements.
const (
	UserVerificationRequired    UserVerification = "required"
	UserVerificationPreferred   UserVerification = "preferred"
	UserVerificationDiscouraged UserVerification = "discouraged"
)

// ResidentKey says whether the credential should be discoverable, that is,
// kept on the authenticator so that it can be found without its id (section
// 5.4.6).
type ResidentKey string

// The resident key requirements.
const (
	ResidentKeyRequired    ResidentKey = "required"
	ResidentKeyPreferred   ResidentKey = "preferred"
	ResidentKeyDiscouraged ResidentKey = "discouraged"
)

// AuthenticatorAttachment restricts which authenticators may be enrolled
// (section 5.4.5).
type AuthenticatorAttachment string

// The authenticator attachments.
const (
	AttachmentAny           AuthenticatorAttachment = ""
	AttachmentPlatform      AuthenticatorAttachment = "platform"       // part of the device
	AttachmentCrossPlatform AuthenticatorAttachment = "cross-platform" // a security key, a phone
)

// Attestation is what the authenticator is asked to tell of itself at
// enrolment (section 5.4.7, attestation conveyance preference).
type Attestation string

// The attestation conveyance preferences.
const (
	AttestationNone       Attestation = "none"
	AttestationIndirect   Attestation = "indirect"
	AttestationDirect     Attestation = "direct"
	AttestationEnterprise Attestation = "enterprise"
)

// Config configures a [Factor].
type Config struct {
	// RPID is the relying party identifier: the domain that keys are bound
	// to, without scheme and port, like "example.com". It is the host of
	// every origin or a parent domain of it. Keys cannot move to another
	// RPID. Required.
	RPID string
	// RPDisplayName is the name of the service as its users know it. Required.
	RPDisplayName string
	// Origins are the origins of the pages that use keys, exactly as a
	// browser writes them: "https://example.com", "http://localhost:8080".
	// Plain http is for localhost only. Required.
	Origins []string

	// UserVerification defaults to preferred: a key that can verify its user
	// does, and one that cannot still is a second factor. Each evidence says
	// what happened. Required refuses answers without it.
	UserVerification UserVerification
	// ResidentKey defaults to discouraged: a second factor is always asked
	// for by its id, and room for discoverable credentials is scarce on
	// security keys. Passkey providers make discoverable ones anyway.
	ResidentKey ResidentKey
	// AuthenticatorAttachment defaults to any. If set, the client must report
	// that attachment; it is not authenticated, so this guides honest users.
	AuthenticatorAttachment AuthenticatorAttachment
	// Attestation defaults to none. Direct and enterprise refuse keys that
	// come without an attestation statement. A statement must be valid in
	// itself; who issued it is not checked.
	Attestation Attestation
	// Timeout is how long the browser waits for the user, and how long the
	// ceremony lives. It defaults to five minutes; an hour is the most.
	Timeout time.Duration

	// InsecureAcceptSignCount accepts an answer whose signature counter did
	// not rise, which is how a cloned key shows (section 6.1.1), and reports
	// it in the Note of the result. Otherwise it is refused. Keys that do not
	// count, and always send zero, are accepted either way.
	InsecureAcceptSignCount bool
}

// Factor is the WebAuthn factor. It is safe for concurrent use.
type Factor struct {
	config   Config
	rpIDHash [sha256.Size]byte
	rp       *webauthn.WebAuthn
}

// New returns the factor that c describes. A c that is incomplete, or that
// browsers would refuse, is an error that says how to mend it.
func New(c Config) (*Factor, error) {
	c.Origins = slices.Clone(c.Origins)
	if c.UserVerification == "" {
		c.UserVerification = UserVerificationPreferred
	}
	if c.ResidentKey == "" {
		c.ResidentKey = ResidentKeyDiscouraged
	}
	if c.Attestation == "" {
		c.Attestation = AttestationNone
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("webauthnfactor: %w", err)
	}
	rp, err := webauthn.New(&webauthn.Config{
		RPID:          c.RPID,
		RPDisplayName: c.RPDisplayName,
		RPOrigins:     c.Origins,
		// No extension is asked for, so none means anything; some password
		// managers answer some all the same.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("webauthnfactor: %w", err)
	}
	return &Factor{config: c, rpIDHash: sha256.Sum256([]byte(c.RPID)), rp: rp}, nil
}

func (c *Config) check() error {
	if err := checkRPID(c.RPID); err != nil {
		return err
	}
	if c.RPDisplayName == "" {
		return errors.New("RPDisplayName is empty: set it to the name of the service as its users know it")
	}
	if len(c.Origins) == 0 {
		return fmt.Errorf(`Origins is empty: list the origins of the pages that use keys, such as "https://%s"`, c.RPID)
	}
	for _, o := range c.Origins {
		if err := checkOrigin(o, c.RPID); err != nil {
			return err
		}
	}
	if err := oneOf("UserVerification", c.UserVerification, UserVerificationRequired, UserVerificationPreferred, UserVerificationDiscouraged); err != nil {
		return err
	}
	if err := oneOf("ResidentKey", c.ResidentKey, ResidentKeyRequired, ResidentKeyPreferred, ResidentKeyDiscouraged); err != nil {
		return err
	}
	if err := oneOf("AuthenticatorAttachment", c.AuthenticatorAttachment, AttachmentAny, AttachmentPlatform, AttachmentCrossPlatform); err != nil {
		return err
	}
	if err := oneOf("Attestation", c.Attestation, AttestationNone, AttestationIndirect, AttestationDirect, AttestationEnterprise); err != nil {
		return err
	}
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		return fmt.Errorf("Timeout is %v: set it between one second and one hour, or leave it zero for %v", c.Timeout, defaultTimeout)
	}
	return nil
}

func oneOf[T ~string](field string, v T, allowed ...T) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	return fmt.Errorf("%s is %q: set it to one of %q", field, v, allowed)
}
