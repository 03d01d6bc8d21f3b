using AgentLightning.Common;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage;

/// <summary>What the store option may say, and that what is secret in it stays secret.</summary>
public sealed class StoreAddressTests
{
    [Theory]
    [InlineData("lightning.db", "lightning.db")]
    [InlineData("Host=db;Database=lightning;Username=me;Password=hunter2", "PostgreSQL db:5432/lightning")]
    [InlineData("host=/run/pg;port=5433;username=me;password=\"hunter2;x=y\"", "PostgreSQL /run/pg:5433/me")]
    [InlineData("Password=hunter2;Host=a,b;Database=x", "PostgreSQL a,b:5432/x")]
    public void A_store_is_named_without_its_password(string store, string name)
    {
        var options = new LightningOptions { Store = store };

        Assert.Equal(name, options.StoreName);
        Assert.DoesNotContain("hunter2", options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":memory:")]
    [InlineData("Data Source=lightning.db;Password=hunter2")]
    [InlineData("Server=db;Password=hunter2")]
    [InlineData("Host=;Password=hunter2")]
    [InlineData("Host=db;Password=x;hunter2=1")]
    [InlineData("Host=db;Password=x;hunter2")]
    [InlineData("Host=db;Port=hunter2")]
    [InlineData("Host=db;Port=99999999999;Password=hunter2")]
    [InlineData("Host=db;Pooling=hunter2")]
    [InlineData("postgresql://me:hunter2@db/lightning")]
    [InlineData("postgresql://me:hunter2@db/lightning?sslmode=require")]
    public void What_is_neither_a_path_nor_a_connection_string_of_PostgreSQL_is_refused_without_showing_its_secrets(string store)
    {
        var error = Assert.Throws<LightningException>(() =>
            new ServiceCollection().AddLightningServices(new LightningOptions { Store = store })
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Host=db", store.Length < 10 ? "Host=db" : error.Message, StringComparison.Ordinal);
    }
}
