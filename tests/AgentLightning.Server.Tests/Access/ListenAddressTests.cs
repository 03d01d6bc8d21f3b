using AgentLightning.Common;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://192.168.1.5:0")]
    [InlineData("http://127.0.0.1:0;http://0.0.0.0:0")]
    public async Task Addresses_that_others_can_reach_are_refused_without_a_key_and_nothing_is_made(string urls)
    {
        using var folder = new TemporaryFolder();

        var refusal = await RefusedAsync(folder, urls);

        Assert.Contains("lightning keys create", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--allow-anonymous", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(urls.Split(';')[^1], refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://example.com:0")]
    [InlineData("http://localhost.example.com:0")]
    [InlineData("http://loopback:0")]
    [InlineData("http://*:0")]
    [InlineData("http://+:0")]
    [InlineData("ftp://127.0.0.1:0")]
    [InlineData("127.0.0.1:4747")]
    [InlineData("4747")]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("http://127.0.0.1:0/base")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("")]
    [InlineData(";")]
    public async Task Text_that_is_no_address_to_listen_on_is_refused_with_an_example(string urls)
    {
        using var folder = new TemporaryFolder();

        var refusal = await RefusedAsync(folder, urls);

        Assert.Contains("--urls", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(LightningServerOptions.DefaultUrl, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://localhost:0")]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("http://127.9.9.9:0")]
    [InlineData("http://[::1]:0")]
    public async Task Addresses_of_this_machine_alone_are_taken(string url)
    {
        using var folder = new TemporaryFolder();
        await using var app = await LightningServer.BuildAsync(Options(folder, url), CancellationToken.None);
        Assert.NotNull(app);
    }

    private static async Task<LightningException> RefusedAsync(TemporaryFolder folder, string urls)
    {
        var refusal = await Assert.ThrowsAsync<LightningException>(async () =>
        {
            await using var app = await LightningServer.BuildAsync(Options(folder, urls), CancellationToken.None);
        });
        Assert.Equal(ErrorKind.Invalid, refusal.Kind);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        return refusal;
    }

    private static LightningServerOptions Options(TemporaryFolder folder, string urls) =>
        new()
        {
            Urls = urls,
            Lightning = new LightningOptions { Store = folder.File("lightning.db") },
        };
}
