# Only what is refused. Mocked providers cannot play the ephemeral resources that draw the value: tests/infrastructure
# puts a double of main.tf in their place and runs this file; the real one is applied to the local cloud end to end.
mock_provider "aws" {
  override_during = plan
}

variables {
  name                 = "indivillage-test/secret"
  description          = "A secret"
  kms_key_arn          = "arn:aws:kms:ap-south-1:123456789012:key/1"
  recovery_window_days = 0
}

run "refuses_a_template_without_a_place_for_the_password" {
  command = plan
  variables {
    template = "qa:password"
  }
  expect_failures = [var.template]
}

run "refuses_a_template_with_two_places" {
  command = plan
  variables {
    template = "%s:%s"
  }
  expect_failures = [var.template]
}

run "refuses_short_passwords" {
  command = plan
  variables {
    length = 8
  }
  expect_failures = [var.length]
}
