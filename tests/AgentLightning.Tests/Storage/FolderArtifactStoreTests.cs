using AgentLightning.Common;
using AgentLightning.Storage;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Storage;

/// <summary>What is particular to artifacts that are files.</summary>
public sealed class FolderArtifactStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private FolderArtifactStore Store => new(_folder.File("artifacts"));

    [Fact]
    public async Task The_same_content_is_one_file_named_by_its_hash()
    {
        await PutAsync("hello");
        await PutAsync("hello");

        Assert.Equal(
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            Path.GetFileName(Directory.GetFiles(_folder.File("artifacts")).Single())
        );
    }

    [Fact]
    public async Task The_name_of_an_artifact_is_brought_to_the_disk_after_the_artifact_itself()
    {
        var synchronised = new List<(string Folder, int Files)>();
        var store = new FolderArtifactStore(_folder.File("artifacts"), path =>
        {
            DiskSync.Folder(path);
            synchronised.Add((path, Directory.GetFiles(path).Length));
        });

        await store.PutAsync(new MemoryStream("hello"u8.ToArray()), Token);

        Assert.Equal([(_folder.Path, 0), (_folder.File("artifacts"), 1)], synchronised);
    }

    [Fact]
    public async Task A_missing_artifact_names_the_file()
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAllAsync("sha256:" + new string('a', 64), Token));

        Assert.Contains(_folder.File("artifacts"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_that_fails_leaves_no_file()
    {
        await Assert.ThrowsAsync<IOException>(() =>
            Store.PutAsync(
                async stream =>
                {
                    await stream.WriteAsync("half"u8.ToArray());
                    throw new IOException("gone");
                },
                Token
            )
        );

        Assert.Empty(Directory.GetFiles(_folder.File("artifacts")));
    }

    public void Dispose() => _folder.Dispose();

    private Task<string> PutAsync(string text) =>
        Store.PutAsync(stream => stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text)).AsTask(), Token);
}
