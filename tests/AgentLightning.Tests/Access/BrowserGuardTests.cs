using AgentLightning.Access;

namespace AgentLightning.Tests.Access;

public sealed class BrowserGuardTests
{
    [Theory]
    // What a page of another site can do without being asked.
    [InlineData("POST", "http://evil.example", "cross-site", "", false, 403)]
    [InlineData("POST", "http://evil.example", "", "application/json", true, 403)]
    [InlineData("POST", "null", "", "", false, 403)]
    [InlineData("POST", "", "cross-site", "", false, 403)]
    [InlineData("POST", "", "same-site", "application/json", true, 403)]
    [InlineData("DELETE", "https://localhost:4748", "same-site", "", false, 403)]
    [InlineData("POST", "http://localhost:4748", "", "application/json", true, 403)]
    [InlineData("POST", "http://localhost:4747.evil.example", "", "application/json", true, 403)]
    [InlineData("POST", "", "", "application/x-www-form-urlencoded", false, 415)]
    [InlineData("POST", "", "", "Multipart/Form-Data; boundary=x", true, 415)]
    [InlineData("PUT", "", "", "text/plain;charset=application/json", true, 415)]
    [InlineData("POST", "", "", "", true, 415)]
    // Programs, and pages of the server itself.
    [InlineData("POST", "", "", "", false, null)]
    [InlineData("POST", "", "", "application/json", true, null)]
    [InlineData("POST", "", "", "application/x-protobuf", true, null)]
    [InlineData("POST", "", "", "application/x-ndjson; charset=utf-8", true, null)]
    [InlineData("POST", "http://localhost:4747", "", "application/json", true, null)]
    [InlineData("POST", "http://LOCALHOST:4747", "same-origin", "application/json", true, null)]
    [InlineData("POST", "https://shop.example", "same-origin", "application/json", true, null)]
    [InlineData("POST", "https://lightning.example:8443", "cross-site", "application/json", true, null)]
    [InlineData("DELETE", "", "none", "", false, null)]
    // Answers of these cannot be read by a foreign page.
    [InlineData("GET", "http://evil.example", "cross-site", "", false, null)]
    [InlineData("HEAD", "http://evil.example", "cross-site", "", false, null)]
    public void A_page_of_another_site_changes_nothing(
        string method,
        string origin,
        string site,
        string type,
        bool bodyExpected,
        int? refused
    )
    {
        var source = new RequestSource(method, "localhost:4747", origin, site, type, bodyExpected);

        Assert.Equal(refused, BrowserGuard.CheckChange(source, ["lightning.example"])?.Status);
    }

    [Theory]
    [InlineData("localhost", true, true)]
    [InlineData("LocalHost:4747", true, true)]
    [InlineData("127.0.0.1:4747", true, true)]
    [InlineData("127.9.9.9", true, true)]
    [InlineData("[::1]:4747", true, true)]
    [InlineData("", true, true)]
    [InlineData("Proxy.example:80", true, true)]
    [InlineData("evil.example", true, false)]
    [InlineData("evil.example:4747", false, false)]
    [InlineData("localhost.evil.example", true, false)]
    [InlineData("127.0.0.1.evil.example", false, false)]
    [InlineData("192.168.1.5", true, false)]
    [InlineData("192.168.1.5:4747", false, true)]
    [InlineData("[fe80::1]", false, true)]
    [InlineData("lightning", true, false)]
    [InlineData("lightning:4747", false, true)]
    [InlineData("xn--localhost-", true, false)]
    public void A_server_without_keys_answers_only_to_names_that_no_foreign_page_can_have(string host, bool onlyThisMachine, bool served)
    {
        Assert.Equal(served ? null : 421, BrowserGuard.CheckHost(host, onlyThisMachine, ["proxy.example"])?.Status);
    }
}
