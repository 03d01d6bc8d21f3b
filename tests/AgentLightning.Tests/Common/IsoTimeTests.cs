using System.Globalization;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Tests.Common;

public sealed class IsoTimeTests
{
    [Theory]
    [InlineData("2026-03-08", "2026-03-08T00:00:00.0000000")]
    [InlineData("2026-03-08T09:00", "2026-03-08T09:00:00.0000000")]
    [InlineData("2026-03-08T09:00:00", "2026-03-08T09:00:00.0000000")]
    [InlineData("2026-03-08 09:00:00.123456", "2026-03-08T09:00:00.1234560")]
    [InlineData("2026-03-08T09:00:00.123456789Z", "2026-03-08T09:00:00.1234567")]
    [InlineData("2026-03-08t09:00:00z", "2026-03-08T09:00:00.0000000")]
    [InlineData("2026-03-08T09:00:00+02:00", "2026-03-08T07:00:00.0000000")]
    [InlineData("2026-03-08T09:00:00-0330", "2026-03-08T12:30:00.0000000")]
    [InlineData("2026-03-08T09:00:00+02", "2026-03-08T07:00:00.0000000")]
    [InlineData("2024-02-29", "2024-02-29T00:00:00.0000000")]
    public void Times_of_iso_8601_are_taken_and_without_a_zone_they_are_utc(string text, string utc)
    {
        var time = IsoTime.Parse(text, "start");

        Assert.Equal((utc, TimeSpan.Zero), (time.ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture), time.Offset));
    }

    [Theory]
    [InlineData("08/03/2026")]
    [InlineData("2026/03/08")]
    [InlineData("8 March 2026")]
    [InlineData("2026-3-8")]
    [InlineData("20260308")]
    [InlineData("2026-02-30")]
    [InlineData("2026-03-08T25:00:00")]
    [InlineData("2026-03-08T09:00:60")]
    [InlineData("2026-03-08T09:00:00,5")]
    [InlineData("2026-03-08T09:00:00+20:00")]
    [InlineData("2026-03-08T09:00:00+02:75")]
    [InlineData("0001-01-01T00:00:00+05:00")]
    [InlineData("2026-03-08Z")]
    [InlineData("2026-03-08T09:00:00Z\n")]
    [InlineData("٢٠٢٦-03-08")]
    [InlineData("now")]
    [InlineData("")]
    public void Anything_else_is_refused_with_the_value_and_an_example(string text)
    {
        var error = Assert.Throws<LightningException>(() => IsoTime.Parse(text, "start_date"));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Equal(
            "start_date must be a time in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC where no zone is given), "
                + $"but it is '{text}'.",
            error.Message
        );
    }

    [Fact]
    public void A_plus_that_became_a_blank_in_a_url_is_told() =>
        Assert.Contains(
            "written %2B",
            Assert.Throws<LightningException>(() => IsoTime.Parse("2026-03-08T09:00:00 02:00", "start_date")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_day_ends_with_its_last_moment_and_a_time_with_itself()
    {
        Assert.Equal(IsoTime.Parse("2026-03-09", "x"), IsoTime.End("2026-03-08", "end"));
        Assert.Equal(IsoTime.Parse("2026-03-08T09:00:00Z", "x"), IsoTime.End("2026-03-08T09:00:00", "end"));
        Assert.Equal(IsoTime.Parse("2026-03-08", "x"), IsoTime.Start("2026-03-08", "start"));
        Assert.Equal(DateTimeOffset.MaxValue.Year, IsoTime.End("9999-12-31", "end")!.Value.Year);
        Assert.Null(IsoTime.End(null, "end"));
        Assert.Null(IsoTime.Start(null, "start"));
    }

    [Theory]
    [InlineData("2026-03-08T09:00:00", "2026-03-08T09:00:00Z")]
    [InlineData("2026-03-08T09:00:00.5Z", "2026-03-08T09:00:00.5Z")]
    [InlineData("2026-03-08T09:00:00\\u002B02:00", "2026-03-08T07:00:00Z")]
    [InlineData("2026-03-08", "2026-03-08T00:00:00Z")]
    public void Json_reads_them_alike(string text, string utc) =>
        Assert.Equal($"\"{utc}\"", JsonSerializer.Serialize(Read($"\"{text}\""), LightningJson.Options));

    [Theory]
    [InlineData("\"08/03/2026\"")]
    [InlineData("\"Z\"")]
    [InlineData("1772960400")]
    public void Json_with_another_form_is_refused_with_where_and_why(string json) =>
        Assert.Equal(
            "at $: A time must be in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC where no zone is given).",
            LightningJson.Describe(Assert.Throws<JsonException>(() => Read(json)))
        );

    private static DateTimeOffset Read(string json) => JsonSerializer.Deserialize<DateTimeOffset>(json, LightningJson.Options);
}
