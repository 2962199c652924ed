"""Tests of the chassis, on fakes and on real servers, without any service."""
