#include "atproto/data/blob_ref.h"

#include <gtest/gtest.h>

#include "atproto/data/json.h"

namespace roost::atproto {
namespace {

constexpr std::string_view raw = "bafkreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";
constexpr std::string_view cbor = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

Value blob(std::string_view cid = raw, Value size = 7, Value mime = "image/png") {
    return Object{{"$type", "blob"},
                  {"ref", Cid::parse(cid).value()},
                  {"mimeType", std::move(mime)},
                  {"size", std::move(size)}};
}

Value with(Value value, std::string name, Value member) {
    std::get<Object>(value.variant()).set(std::move(name), std::move(member));
    return value;
}

Value without(Value value, std::string_view name) {
    std::get<Object>(value.variant()).erase(name);
    return value;
}

std::string fault(const Value& value) {
    auto checked = check_blob_refs(value);
    return checked ? "ok" : checked.error().message;
}

TEST(BlobRef, ReadsTheExactForm) {
    const Value value = blob();
    const auto ref = typed_blob_ref(value);
    ASSERT_TRUE(ref.has_value());
    EXPECT_EQ(ref->form, BlobForm::typed);
    EXPECT_EQ(ref->cid.text(), raw);
    EXPECT_EQ(ref->mime_type, "image/png");
    EXPECT_EQ(ref->size, 7);
    EXPECT_FALSE(legacy_blob_ref(value));
    EXPECT_TRUE(typed_blob_ref(blob(raw, 0)));
    for (const Value& other :
         {blob(cbor), blob(raw, -1), blob(raw, "7"), blob(raw, std::int64_t{1} << 53),
          blob(raw, 7, "png"), blob(raw, 7, 3), with(blob(), "$type", "Blob"),
          with(blob(), "ref", raw), with(blob(), "alt", "a"), without(blob(), "size"),
          without(blob(), "ref"), without(blob(), "$type"), Value(3), Value(Array{blob()})})
        EXPECT_FALSE(typed_blob_ref(other)) << json::write(other);
}

TEST(BlobRef, ReadsTheOldForm) {
    const Value value = Object{{"cid", raw}, {"mimeType", "image/jpeg"}};
    const auto ref = legacy_blob_ref(value);
    ASSERT_TRUE(ref.has_value());
    EXPECT_EQ(ref->form, BlobForm::legacy);
    EXPECT_EQ(ref->cid.text(), raw);
    EXPECT_EQ(ref->mime_type, "image/jpeg");
    EXPECT_EQ(ref->size, std::nullopt);
    EXPECT_FALSE(typed_blob_ref(value));
    for (const Value& other :
         {with(value, "size", 3), with(value, "cid", "x"), with(value, "cid", *Cid::parse(raw)),
          with(value, "mimeType", ""), without(value, "cid"), without(value, "mimeType")})
        EXPECT_FALSE(legacy_blob_ref(other)) << json::write(other);
}

TEST(BlobRef, FindsAllWithTheirPlaces) {
    const Value old = Object{{"cid", cbor}, {"mimeType", "image/jpeg"}};
    const Value value = Object{
        {"$type", "a.b.c"},
        {"embed",
         Object{{"images", Array{Object{{"image", blob()}}, 3, Object{{"image", blob(raw, -1)}}}}}},
        {"avatar", old},
        {"strange", with(blob(cbor), "more", blob())},
        {"broken", without(blob(), "ref")}};
    const auto found = find_blob_refs(value);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].path, "embed.images[0].image");
    EXPECT_EQ(found[0].ref.size, 7);
    EXPECT_EQ(found[1].path, "embed.images[2].image");
    EXPECT_EQ(found[1].ref.size, std::nullopt) << "a negative size says nothing";
    EXPECT_EQ(found[2].path, "avatar");
    EXPECT_EQ(found[2].ref.form, BlobForm::legacy);
    EXPECT_EQ(found[3].path, "strange") << "and nothing is looked for within it";
    EXPECT_EQ(found[3].ref.cid.text(), cbor);
    EXPECT_EQ(find_blob_refs(blob())[0].path, "");
    EXPECT_EQ(find_blob_refs(Array{Value(Array{blob()})})[0].path, "[0][0]");
    EXPECT_TRUE(find_blob_refs(Value("blob")).empty());
}

TEST(BlobRef, DemandsTheExactForm) {
    EXPECT_EQ(fault(Object{{"a", Array{blob(), 3}}, {"b", nullptr}}), "ok");
    EXPECT_EQ(fault(Object{{"cid", raw}, {"mimeType", "a/b"}}), "ok") << "not of $type blob";
    EXPECT_EQ(fault(Object{{"$type", 3}}), "ok");
    EXPECT_EQ(fault(blob(cbor)), "Invalid blob reference: \"ref\" is not a link to raw bytes");
    EXPECT_EQ(fault(Object{{"a", Array{0, without(blob(), "ref")}}}),
              "Invalid blob reference at a[1]: \"ref\" is not a link");
    EXPECT_EQ(fault(with(blob(), "ref", raw)), "Invalid blob reference: \"ref\" is not a link");
    EXPECT_EQ(fault(blob(raw, 7, "")), "Invalid blob reference: \"mimeType\" is not a media type");
    EXPECT_EQ(fault(without(blob(), "mimeType")),
              "Invalid blob reference: \"mimeType\" is not a media type");
    EXPECT_EQ(fault(blob(raw, -1)), "Invalid blob reference: \"size\" is not a size");
    EXPECT_EQ(fault(blob(raw, nullptr)), "Invalid blob reference: \"size\" is not a size");
    EXPECT_EQ(fault(with(blob(), "alt", "")), "Invalid blob reference: it has other members");
    EXPECT_EQ(check_blob_refs(blob(raw, -1)).error().fault, Fault::invalid);
}

}  // namespace
}  // namespace roost::atproto
