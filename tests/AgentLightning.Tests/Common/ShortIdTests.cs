using AgentLightning.Common;
using CsCheck;

namespace AgentLightning.Tests.Common;

public sealed class ShortIdTests
{
    private const string One = "019ad1f2-77aa-7c31-8000-1d2c5f0a9b01";

    [Theory]
    [InlineData("019ad1", true)]
    [InlineData("019ad1f2..9b01", true)]
    [InlineData("019ad1f2-77aa-7c31-8000-1d2c5f0a9b01", true)]
    [InlineData("0..0a9b01", true)]
    [InlineData("019ad1f2..9b02", false)]
    [InlineData("119ad1", false)]
    [InlineData("019ad1f2-77aa-7c31-8000-1d..1d2c5f0a9b01", false)]
    public void A_beginning_or_a_beginning_and_an_end_are_forms_of_an_id(string form, bool matches) =>
        Assert.Equal(matches, ShortId.TryParse(form)!.Matches(One));

    [Theory]
    [InlineData("019ad")]
    [InlineData("9..b01")]
    [InlineData("01..9b")]
    [InlineData("")]
    public void What_is_too_short_is_no_form(string text) => Assert.Null(ShortId.TryParse(text));

    [Fact]
    public void Ids_of_one_millisecond_are_told_apart_by_their_ends()
    {
        var ids = Enumerable.Range(0, 500).Select(_ => Ids.New(DateTimeOffset.UnixEpoch.AddYears(50))).ToList();

        var forms = ShortId.Shorten(ids);

        Assert.Equal(500, forms.Values.Distinct().Count());
        Assert.All(forms.Values, form => Assert.InRange(form.Length, 14, 18));
    }

    [Fact]
    public void A_form_is_that_of_one_id_of_the_list_whatever_the_ids() =>
        Gen.Char["ab.-1"]
            .Array[1, 24]
            .Select(chars => new string(chars))
            .Array[1, 30]
            .Sample(ids =>
            {
                foreach (var (id, form) in ShortId.Shorten(ids))
                {
                    Assert.True(form.Length <= id.Length);
                    if (form != id)
                    {
                        Assert.Equal([id], ids.Distinct().Where(ShortId.TryParse(form)!.Matches));
                    }
                }
            });
}
