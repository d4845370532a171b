variable "name" {
  description = "Name of the secret, e.g. indivillage-dev/api-token."
  type        = string
}

variable "description" {
  description = "What the secret opens."
  type        = string
}

variable "template" {
  description = "Text around the generated password, which takes the place of %s. Passwords hold letters and digits only, so JSON is safe."
  type        = string
  default     = "%s"

  validation {
    condition     = length(split("%s", var.template)) == 2
    error_message = "template must contain %s exactly once."
  }
}

variable "length" {
  description = "Characters of the generated password."
  type        = number
  default     = 40

  validation {
    condition     = var.length >= 24
    error_message = "length must be at least 24: these passwords are never typed."
  }
}

variable "generation" {
  description = "Raise by one to replace the value with a new one."
  type        = number
  default     = 1
}

variable "kms_key_arn" {
  description = "Key that encrypts the secret."
  type        = string
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret can be brought back (7 to 30), or 0 to delete at once."
  type        = number
}
