using AgentLightning.Models.Tokenizers.Normalization;

namespace AgentLightning.Models.Tests;

/// <summary>Expected forms are Unicode's own examples (UAX 15) and what Node gives.</summary>
public sealed class UnicodeFormTests
{
    [Theory]
    [InlineData("e\u0301", "\u00E9", "e\u0301", "\u00E9", "e\u0301")]
    [InlineData("\uFB01", "\uFB01", "\uFB01", "fi", "fi")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E69", "s\u0323\u0307")]
    [InlineData("\u212B", "\u00C5", "A\u030A", "\u00C5", "A\u030A")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB")]
    [InlineData("\uAC00\u11A8", "\uAC01", "\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8")]
    [InlineData("a\u0302\u0323", "\u1EAD", "a\u0323\u0302", "\u1EAD", "a\u0323\u0302")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\uFF21\u2460\u3000", "\uFF21\u2460\u3000", "\uFF21\u2460\u3000", "A1 ", "A1 ")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165", "\U0001D157\U0001D165", "\U0001D157\U0001D165", "\U0001D157\U0001D165")]
    [InlineData("\U0001D7D8", "\U0001D7D8", "\U0001D7D8", "0", "0")]
    [InlineData("plain", "plain", "plain", "plain", "plain")]
    public void Texts_have_the_four_forms_of_Unicode(string text, string nfc, string nfd, string nfkc, string nfkd)
    {
        Assert.Equal(nfc, UnicodeForm.Normalize(text, composed: true, compatible: false));
        Assert.Equal(nfd, UnicodeForm.Normalize(text, composed: false, compatible: false));
        Assert.Equal(nfkc, UnicodeForm.Normalize(text, composed: true, compatible: true));
        Assert.Equal(nfkd, UnicodeForm.Normalize(text, composed: false, compatible: true));
    }

    [Fact]
    public void A_normal_form_is_its_own_and_survives_the_detour_over_the_other()
    {
        var random = new Random(3);
        for (var i = 0; i < 3_000; i++)
        {
            var text = string.Concat(
                Enumerable
                    .Range(0, 12)
                    .Select(_ =>
                        new System.Text.Rune(
                            random.Next(4) switch
                            {
                                0 => random.Next(0x300, 0x370),
                                1 => random.Next(0x1E00, 0x2000),
                                2 => random.Next(0x20, 0x250),
                                _ => random.Next(0xAC00, 0xD7A4),
                            }
                        ).ToString()
                    )
            );
            var nfc = UnicodeForm.Normalize(text, composed: true, compatible: false);
            Assert.Equal(nfc, UnicodeForm.Normalize(nfc, composed: true, compatible: false));
            Assert.Equal(
                nfc,
                UnicodeForm.Normalize(UnicodeForm.Normalize(text, composed: false, compatible: false), composed: true, compatible: false)
            );
        }
    }

    [Fact]
    public void A_hundred_thousand_marks_on_one_letter_are_put_in_order()
    {
        var text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 50_000));
        Assert.StartsWith("\u1EA1\u0323", UnicodeForm.Normalize(text, composed: true, compatible: false), StringComparison.Ordinal);
    }
}
