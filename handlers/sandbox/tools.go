package sandbox

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"

	"dashtam/services/errs"
	"dashtam/services/sandbox"
)

// register takes a new client in, in RFC 7591's words.
func (b *bank) register(w http.ResponseWriter, r *http.Request) {
	var form sandbox.Registration
	if err := json.NewDecoder(r.Body).Decode(&form); err != nil {
		b.refuse(w, r, errs.New(errs.Invalid, "The body is not the JSON of a client."))
		return
	}
	c, secret, err := b.Bank.Register(r.Context(), form)
	if err != nil {
		b.refuse(w, r, err)
		return
	}
	out := map[string]any{
		"client_id": c.ID, "client_name": c.Name, "redirect_uris": c.RedirectURIs, "token_endpoint_auth_method": c.AuthMethod,
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
	}
	if secret != "" {
		out["client_secret"], out["client_secret_expires_at"] = secret, 0
	}
	writeJSON(w, http.StatusCreated, out)
}

func (b *bank) stats(w http.ResponseWriter, r *http.Request) {
	s, err := b.Bank.Stats(r.Context())
	if err != nil {
		b.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, s)
}

func (b *bank) faults(w http.ResponseWriter, r *http.Request) {
	list, err := b.Bank.Faults(r.Context())
	if err != nil {
		b.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"faults": list})
}

// setFault reads fault, value, count and user from a form or from JSON and answers with what is being shown now.
func (b *bank) setFault(w http.ResponseWriter, r *http.Request) {
	f, err := faultOf(r)
	if err == nil {
		err = b.Bank.SetFault(r.Context(), f)
	}
	if err != nil {
		b.refuse(w, r, err)
		return
	}
	b.faults(w, r)
}

func faultOf(r *http.Request) (sandbox.Fault, error) {
	var f sandbox.Fault
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			return f, errs.New(errs.Invalid, "The body is not the JSON of a fault.")
		}
		return f, nil
	}
	f.Name, f.Username, f.Value = r.FormValue("fault"), r.FormValue("user"), sandbox.Value(r.FormValue("value"))
	if s := r.FormValue("count"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return f, errs.Field("count", "A count is a whole number.")
		}
		f.Remaining = &n
	}
	return f, nil
}

// refuse answers a program that asked for something that cannot be done.
func (b *bank) refuse(w http.ResponseWriter, r *http.Request, err error) {
	out := map[string]any{"error": "invalid_request", "message": errs.Message(err)}
	if fields := errs.FieldsOf(err); fields != nil {
		out["fields"] = fields
	}
	status := http.StatusUnprocessableEntity
	switch errs.KindOf(err) {
	case errs.Invalid:
	case errs.Unavailable:
		status, out["error"] = http.StatusServiceUnavailable, "unavailable"
		w.Header().Set("Retry-After", "5")
	default:
		b.Log.ErrorContext(r.Context(), "sandbox bank", "error", err)
		status, out["error"], out["message"] = http.StatusInternalServerError, "internal", "Something went wrong inside the bank."
	}
	writeJSON(w, status, out)
}
