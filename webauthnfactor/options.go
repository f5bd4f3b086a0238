package webauthnfactor

import (
	"encoding/base64"

	"github.com/go-mfa/mfa/factor"
)

// creationOptions is PublicKeyCredentialCreationOptionsJSON (Web
// Authentication Level 3, section 5.1.8).
type creationOptions struct {
	RP                     rpEntity               `json:"rp"`
	User                   userEntity             `json:"user"`
	Challenge              string                 `json:"challenge"`
	PubKeyCredParams       []credentialParameter  `json:"pubKeyCredParams"`
	Timeout                int64                  `json:"timeout"` // milliseconds
	ExcludeCredentials     []credentialDescriptor `json:"excludeCredentials"`
	AuthenticatorSelection selection              `json:"authenticatorSelection"`
	Attestation            Attestation            `json:"attestation"`
}

// requestOptions is PublicKeyCredentialRequestOptionsJSON (section 5.1.9).
type requestOptions struct {
	Challenge        string                 `json:"challenge"`
	Timeout          int64                  `json:"timeout"` // milliseconds
	RPID             string                 `json:"rpId"`
	AllowCredentials []credentialDescriptor `json:"allowCredentials"`
	UserVerification UserVerification       `json:"userVerification"`
}

type rpEntity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type userEntity struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

type credentialParameter struct {
	Type string `json:"type"`
	Alg  int64  `json:"alg"`
}

type credentialDescriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

type selection struct {
	AuthenticatorAttachment AuthenticatorAttachment `json:"authenticatorAttachment,omitempty"`
	ResidentKey             ResidentKey             `json:"residentKey"`
	RequireResidentKey      bool                    `json:"requireResidentKey"`
	UserVerification        UserVerification        `json:"userVerification"`
}

const publicKeyType = "public-key"

func describeKey(k *key) credentialDescriptor {
	return credentialDescriptor{Type: publicKeyType, ID: encodeBase64(k.id), Transports: k.transports}
}

// describeUser names the user for the screens of browser and authenticator.
// The id is the random handle; nothing personal is in it (section 14.6.1).
func describeUser(u factor.User, handle []byte) userEntity {
	e := userEntity{ID: encodeBase64(handle), Name: u.Name, DisplayName: u.DisplayName}
	if e.Name == "" {
		e.Name = u.Email
	}
	if e.Name == "" {
		e.Name = u.DisplayName
	}
	if e.DisplayName == "" {
		e.DisplayName = e.Name
	}
	return e
}

func encodeBase64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
