using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.Architecture;

/// <summary>What points where: `src/README.md` draws the same.</summary>
public sealed class TheOrderOfLayers
{
    private static readonly ArchUnitNET.Domain.Architecture Product = new ArchLoader().LoadAssembly(typeof(Program).Assembly).Build();

    /// <summary>From the top down. Each may use those below it, and none above.</summary>
    private static readonly string[] Layers =
        ["Operations", "Safekeeping", "Flows", "Broker", "Credentials", "Announcements", "Activity", "Access", "Audit", "ReSci", "Secrets", "Api", "Storage", "Components.Shared"];

    /// <summary>Pages name the frame they are shown in; the frame is put together from the features.</summary>
    private static readonly string[] AnyLayerMayName = ["ReSciCredentials.Components.Layout.PlainLayout", "ReSciCredentials.Components.Layout.BrandMark"];

    [Fact]
    public void Leads_only_downwards()
    {
        var upwards =
            from type in Product.Types
            let layer = LayerOf(type)
            where layer >= 0
            from target in type.GetTypeDependencies()
            let below = LayerOf(target)
            where below >= 0 ? below < layer : IsAbove(target) && !Runs(layer, target)
            select $"{type.FullName} -> {target.FullName}";

        Assert.Empty(upwards.Distinct());
    }

    [Fact]
    public void Has_something_in_every_layer() => Assert.All(Enumerable.Range(0, Layers.Length), layer => Assert.Contains(Product.Types, type => LayerOf(type) == layer));

    [Fact]
    public void Lets_three_classes_at_most_reveal_a_secret()
    {
        var reveal = $"{nameof(Secret.Reveal)}()";
        var callers = Product.Types
            .Where(type => type.GetMethodMembers().SelectMany(member => member.GetCalledMethods()).Any(called =>
                called.DeclaringType.FullName == typeof(Secret).FullName && called.Name == reveal))
            .Select(type => type.FullName.Split('+')[0].Split('/')[0])
            .Distinct()
            .Order(StringComparer.Ordinal);

        Assert.Equal(["ReSciCredentials.Broker.OpenKey", "ReSciCredentials.ReSci.ReSciClient", "ReSciCredentials.Secrets.SecretProtector"], callers);
    }

    private static int LayerOf(IType type) => Array.FindIndex(Layers, layer => IsIn(type, $"ReSciCredentials.{layer}"));

    private static bool IsAbove(IType type) =>
        (type.FullName == typeof(Program).FullName || IsIn(type, "ReSciCredentials.Components")) && !AnyLayerMayName.Contains(type.FullName);

    // The command line runs what the table of contents builds.
    private static bool Runs(int layer, IType target) => layer == 0 && target.FullName == typeof(Program).FullName;

    private static bool IsIn(IType type, string name) => type.FullName.StartsWith($"{name}.", StringComparison.Ordinal);
}
