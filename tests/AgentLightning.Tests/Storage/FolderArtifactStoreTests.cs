using AgentLightning.Common;
using AgentLightning.Storage;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Storage;

public sealed class FolderArtifactStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private FolderArtifactStore Store => new(_folder.File("artifacts"));

    [Fact]
    public async Task Content_comes_back_by_its_hash_and_the_same_content_is_one_artifact()
    {
        var id = await PutAsync("hello");

        Assert.Equal("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", id);
        Assert.Equal(id, await PutAsync("hello"));
        Assert.Equal("hello"u8.ToArray(), await Store.ReadAsync(id, Token));
        Assert.Single(Directory.GetFiles(_folder.File("artifacts")));
    }

    [Fact]
    public async Task Changed_content_is_refused_with_both_hashes()
    {
        var id = await PutAsync("hello");
        await File.AppendAllTextAsync(Directory.GetFiles(_folder.File("artifacts"))[0], "!", Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAsync(id, Token));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(id, error.Message, StringComparison.Ordinal);
        Assert.Contains("ce06092fb948d9ffac7d1a376e404b26b7575bcc11ee05a4615fef4fec3a308b", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_artifact_is_damage_and_names_the_file()
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAsync("sha256:" + new string('a', 64), Token));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains("there is no file", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256:../../../etc/passwd")]
    [InlineData("md5:abc")]
    public async Task An_id_that_is_none_never_touches_a_file(string id)
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAsync(id, Token));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
    }

    [Fact]
    public async Task A_write_that_fails_leaves_nothing()
    {
        await Assert.ThrowsAsync<IOException>(() => Store.PutAsync(
            async stream =>
            {
                await stream.WriteAsync("half"u8.ToArray());
                throw new IOException("gone");
            },
            Token));

        Assert.Empty(Directory.GetFiles(_folder.File("artifacts")));
    }

    public void Dispose() => _folder.Dispose();

    private Task<string> PutAsync(string text) => Store.PutAsync(stream => stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text)).AsTask(), Token);
}
