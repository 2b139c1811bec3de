// SPDX-License-Identifier: Apache-2.0
#include <dnalm/sequence/utf8.hpp>

#include <string>

#include <support/catch.hpp>

TEST_CASE("UTF-8 of one to four bytes is decoded", "[sequence]") {
  REQUIRE(dnalm::read_utf8("A", 0).code == 'A');
  REQUIRE(dnalm::read_utf8("\xC3\xA4", 0).code == 0xE4);
  REQUIRE(dnalm::read_utf8("x\xE2\x82\xAC", 1).code == 0x20AC);
  const auto four = dnalm::read_utf8("\xF0\x9F\xA7\xAC", 0);
  REQUIRE(four.code == 0x1F9EC);
  REQUIRE(four.length == 4);
}

TEST_CASE("invalid UTF-8 is told byte by byte", "[sequence]") {
  for (const std::string text : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                 "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x9F\xA7",
                                 "\xC3"
                                 "A",
                                 "\xFF"}) {
    const auto character = dnalm::read_utf8(text, 0);
    REQUIRE_FALSE(character.valid);
    REQUIRE(character.length == 1);
    REQUIRE_FALSE(dnalm::is_utf8(text));
  }
  REQUIRE(dnalm::is_utf8("ACGT \xC3\xA4 \xF0\x9F\xA7\xAC"));
}

TEST_CASE("white space is what Unicode says", "[sequence]") {
  for (const unsigned code : {0x20U, 0x9U, 0xAU, 0xDU, 0x85U, 0xA0U, 0x2003U, 0x3000U}) {
    REQUIRE(dnalm::is_unicode_space(code));
  }
  for (const unsigned code : {0x41U, 0x1CU, 0x200BU, 0xFEFFU}) REQUIRE_FALSE(dnalm::is_unicode_space(code));
}
