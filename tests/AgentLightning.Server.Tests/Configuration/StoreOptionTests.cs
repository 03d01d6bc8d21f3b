using AgentLightning.Common;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class StoreOptionTests
{
    /// <summary>An empty path would be a database in memory: everything would be lost without a word.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(":memory:")]
    [InlineData("Data Source=lightning.db")]
    public async Task A_store_that_would_be_neither_a_file_nor_a_database_is_refused(string store)
    {
        var options = new LightningServerOptions
        {
            Urls = "http://127.0.0.1:0",
            Lightning = new LightningOptions { Store = store },
        };

        var refusal = await Assert.ThrowsAsync<LightningException>(async () =>
        {
            await using var app = await LightningServer.BuildAsync(options, CancellationToken.None);
        });

        Assert.Equal(ErrorKind.Invalid, refusal.Kind);
        Assert.Contains("store", refusal.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_store_in_a_folder_that_does_not_exist_is_refused_with_its_path()
    {
        using var folder = new TemporaryFolder();
        var options = new LightningServerOptions
        {
            Urls = "http://127.0.0.1:0",
            Lightning = new LightningOptions { Store = folder.File("no/such/lightning.db") },
        };

        var refusal = await Assert.ThrowsAsync<LightningException>(async () =>
        {
            await using var app = await LightningServer.BuildAsync(options, CancellationToken.None);
        });

        Assert.Contains("no/such/lightning.db", refusal.Message, StringComparison.Ordinal);
    }
}
